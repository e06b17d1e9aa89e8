package signin

import (
	"context"
	"strconv"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// countOpening counts and tells that set-up was opened with the password alone, where
// a reset has made that possible (RS-03).
func (s *Service) countOpening(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User) error {
	e := v.Event("set-up.opened", u)
	if u.ResetUntil.IsZero() {
		tx.Record(e)
		return nil
	}
	counted, err := tx.CountOpening(ctx, u.ID, policy.MaxEnrollmentOpenings)
	if err != nil {
		return err
	}
	if !counted {
		return authn.ErrAttemptGone() // the rule has said so before, of the same locked user
	}
	n := strconv.Itoa(u.EnrollmentOpenings + 1)
	e.Detail = map[string]string{"opening": n, "of": strconv.Itoa(policy.MaxEnrollmentOpenings)}
	tx.Record(e)
	return notify.Send(ctx, tx, v, u, countersign.MessageEnrollmentOpened, map[string]string{
		"Opening": n, "Most": strconv.Itoa(policy.MaxEnrollmentOpenings), "Until": notify.Until(u.ResetUntil)})
}

// startLocked keeps the right password of a user to whom set-up is closed, so
// that an enrollment code can open it; nothing else is open to the user.
func (s *Service) startLocked(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, why policy.Refuse, handle countersign.Handle) (authn.Outcome, error) {
	a := f.Attempt
	a.Enrollment = countersign.Enrollment{Open: true, NeedsCode: true, Key: secret.AppKey(), KeyAt: v.Now}
	a.Expires = v.Now.Add(policy.EnrollmentLife)
	if err := s.Authn.AddAttempt(ctx, tx, v, f.User, a); err != nil {
		return authn.Outcome{}, err
	}
	tx.Record(v.RefusedEvent("sign-in.refused", f.User, why.Reason))
	return authn.Outcome{Step: why, Stage: policy.AskCode{}, Attempt: authn.SetCookie(handle)}, nil
}
