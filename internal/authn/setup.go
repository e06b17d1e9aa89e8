package authn

import (
	"context"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// WizardOpen returns an error unless the facts are those of a wizard that may continue.
func (s *Service) WizardOpen(f policy.Facts, v countersign.Visit) error {
	a := f.Attempt
	switch {
	case !a.Enrollment.Open || !v.Now.Before(a.Expires) || f.User.Disabled:
		return ErrAttemptGone()
	case policy.OutOfTries(a, v.Now):
		return countersign.Problem(countersign.KindGone, policy.RefusedFailures, "", nil)
	case a.Purpose == countersign.PurposeEnrollment && a.Session != SessionID(v.Session):
		return ErrAttemptGone()
	default:
		return nil
	}
}

// WizardRecent asks for a step-up where the wizard was opened from the User
// Profile and is about to change a method: its session was fresh then, and has
// to be so now (SE-06, ER-04).
func (s *Service) WizardRecent(ctx context.Context, tx *store.Tx, v countersign.Visit, a countersign.Attempt) error {
	if a.Purpose != countersign.PurposeEnrollment {
		return nil
	}
	session, err := tx.Session(ctx, a.Session)
	if err != nil || !session.Ended.IsZero() || a.Session != SessionID(v.Session) {
		return ErrAttemptGone()
	}
	u, err := tx.User(ctx, a.User)
	if err == nil && !policy.ProvedRecently(session, u, v.Now) {
		err = ErrStepUpRequired()
	}
	return err
}

// StageOf returns the wizard's page.
func (s *Service) StageOf(f policy.Facts) policy.Stage {
	if policy.NeedsCode(f) {
		return policy.AskCode{}
	}
	return policy.NextStage(f.Attempt.Enrollment, f.Factors, s.Methods.Kinds())
}
