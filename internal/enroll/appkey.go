package enroll

import (
	"context"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// VerifyAppToken takes the token of the app that scanned the wizard's key.
func (s *Service) VerifyAppToken(ctx context.Context, v countersign.Visit, typed string) (authn.Outcome, error) {
	appFactor := func(f policy.Facts) countersign.Factor {
		key, _ := s.Authn.PendingKey(f.Attempt, v.Now)
		return countersign.Factor{User: f.User.ID, Method: countersign.MethodApp, Secret: key}
	}
	return s.wizardToken(ctx, v, typed, policy.Menu{}, appFactor, func(ctx context.Context, tx *store.Tx, f *policy.Facts) error {
		fa := appFactor(*f)
		fa.State = f.Attempt.Enrollment.Step // the token that proved it is used (OT-08)
		if err := s.verified(ctx, tx, v, f, fa); err != nil {
			return err
		}
		f.Attempt.Enrollment.Key = nil // not shown again (OT-07); another one takes another wizard
		return s.methodAdded(ctx, tx, v, f, fa.Method, "")
	})
}
