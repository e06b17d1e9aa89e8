package signin

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

// enrollmentNoticeAfter is how long the letter about a set-up waits for the next step
// of its wizard. One that is left is told by then.
const enrollmentNoticeAfter = 10 * time.Minute

// methodAdded tells the user of a method that the wizard has just bound. The
// wizard of a first set-up says everything in one letter at its end (NT-05).
// Elsewhere a method is told at once, and so is a first one if the profile's
// address was changed shortly before: the user may not be the one who sets up.
func (s *Service) methodAdded(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, m countersign.Method, passkey string) error {
	if f.Attempt.Purpose != countersign.PurposeSignIn || policy.RecentEmail(f.User, v.Now) {
		return notify.Send(ctx, tx, v, f.User, countersign.MessageMethodAdded, map[string]string{"Method": string(m), "Passkey": passkey})
	}
	f.Attempt.Enrollment.Unnotified = append(f.Attempt.Enrollment.Unnotified, m)
	return s.enrollmentNotice(ctx, tx, v, f, v.Now.Add(enrollmentNoticeAfter), map[string]string{})
}

// enrollmentNotice writes the letter about a set-up so far, in place of the one before.
// It goes out at due, unless the wizard writes it again until then.
func (s *Service) enrollmentNotice(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, due time.Time, data map[string]string) error {
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
	factors, err := s.usable(ctx, tx, v, f.User.ID) // the Default may have been chosen just now
	if err != nil {
		return err
	}
	data["Methods"], data["Default"] = strings.Join(methods, " "), string(policy.Default(factors).Method)
	enrollment.Notices, err = notify.SendAt(ctx, tx, v, f.User, countersign.MessageEnrolled, due, data)
	return err
}

// notifySignIn tells of a completed sign-in: of the set-up that it has ended, and of
// its connection where that is new. Both go into one letter.
func (s *Service) notifySignIn(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, session countersign.Session, announce bool) error {
	data, err := map[string]string{}, error(nil)
	if announce {
		if data, err = s.unrecognizedLink(ctx, tx, v, f.User, session); err != nil {
			return err
		}
	}
	switch {
	case len(f.Attempt.Enrollment.Unnotified) > 0:
		return s.enrollmentNotice(ctx, tx, v, &f, v.Now, data)
	case announce:
		return notify.Send(ctx, tx, v, f.User, countersign.MessageNewConnection, data)
	default:
		return nil
	}
}
