package enroll

import (
	"context"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// finish ends the wizard. Of two wizards of one user only the first to finish
// counts (ER-03). Its last token is the second factor of the sign-in.
func (s *Service) finish(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts) (authn.Outcome, error) {
	f.Attempt.Enrollment.Open = false
	if err := tx.DropEnrollmentCode(ctx, f.User.ID); err != nil {
		return authn.Outcome{}, err
	}
	if err := s.Authn.EndOtherAttempts(ctx, tx, v, f.User, f.Attempt.ID); err != nil {
		return authn.Outcome{}, err
	}
	if err := tx.LeaveEnrollment(ctx, f.User.ID, false); err != nil {
		return authn.Outcome{}, err
	}
	f.User.EnrollmentLeft = false
	tx.Record(v.Event("set-up.completed", f.User))
	if f.Attempt.Purpose == countersign.PurposeEnrollment {
		return s.finishOwn(ctx, tx, v, f)
	}
	admit, ok := policy.Next(f).(policy.Admit)
	if !ok {
		return authn.Outcome{}, authn.ErrAttemptGone()
	}
	out, err := s.Authn.Admit(ctx, tx, v, f, admit, f.Declined())
	out.Stage = policy.Done{}
	return out, err
}

// finishOwn ends a wizard opened from the User Profile: the session goes on
// under a new handle, with the proof that the wizard brought.
func (s *Service) finishOwn(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts) (authn.Outcome, error) {
	out := authn.Outcome{Stage: policy.Done{}, Attempt: authn.ClearCookie, Then: f.Attempt.ReturnTo}
	if _, err := tx.EndAttempt(ctx, f.Attempt.ID); err != nil {
		return out, err
	}
	if f.Attempt.Proved == "" {
		return out, nil
	}
	renewed, browser, err := s.Authn.RotateSession(ctx, tx, v, f)
	out.Session, out.Browser = renewed, browser
	return out, err
}
