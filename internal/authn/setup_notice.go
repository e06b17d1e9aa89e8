package authn

import (
	"context"
	"slices"
	"strings"
	"time"

	"countersign"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// EnrollmentNotice writes the mail about a set-up so far, in place of the one before.
// It goes out at due, unless the wizard writes it again until then.
func (s *Service) EnrollmentNotice(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, due time.Time, data map[string]string) error {
	enrollment := &f.Attempt.Enrollment
	if err := tx.WithdrawMessages(ctx, enrollment.Notices); err != nil {
		return err
	}
	var methods []string
	for _, m := range enrollment.Unnotified {
		if !slices.Contains(methods, string(m)) {
			methods = append(methods, string(m))
		}
	}
	factors, err := s.Usable(ctx, tx, v, f.User.ID) // the Default may have been chosen just now
	if err != nil {
		return err
	}
	data["Methods"], data["Default"] = strings.Join(methods, " "), string(policy.Default(factors).Method)
	enrollment.Notices, err = notify.SendAt(ctx, tx, v, f.User, countersign.MessageEnrolled, due, data)
	return err
}

// notifySignIn notifies the user of a completed sign-in: of the set-up that it ended,
// and of its connection if that is new. Both go into one mail.
func (s *Service) notifySignIn(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, session countersign.Session, announce bool) error {
	data, err := map[string]string{}, error(nil)
	if announce {
		if data, err = s.unrecognizedLink(ctx, tx, v, f.User, session); err != nil {
			return err
		}
	}
	switch {
	case len(f.Attempt.Enrollment.Unnotified) > 0:
		return s.EnrollmentNotice(ctx, tx, v, &f, v.Now, data)
	case announce:
		return notify.Send(ctx, tx, v, f.User, countersign.MessageNewConnection, data)
	default:
		return nil
	}
}
