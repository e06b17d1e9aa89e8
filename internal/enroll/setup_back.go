package enroll

import (
	"context"
	"slices"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// DropEmail leaves the address that is not verified yet, in a wizard opened from
// the User Profile, and goes back to the other methods. Its token dies.
func (s *Service) DropEmail(ctx context.Context, v countersign.Visit) (authn.Outcome, error) {
	return s.inWizard(ctx, v, func(tx *store.Tx, f *policy.Facts) error {
		a := &f.Attempt
		if a.Enrollment.Method != countersign.MethodEmail || !slices.ContainsFunc(f.Factors, func(fa countersign.Factor) bool { return fa.Method == countersign.MethodEmail }) {
			return nil // nothing to leave: a second press
		}
		if a.Challenge.Message != "" {
			if err := tx.DropToken(ctx, a.Challenge.Message, v.Now); err != nil {
				return err
			}
		}
		a.Enrollment.Method, a.Enrollment.Email, a.Enrollment.Confirm = "", "", false
		a.Challenge = countersign.Challenge{}
		e := v.Event("set-up.address_left", f.User)
		e.Method = string(countersign.MethodEmail)
		tx.Record(e)
		return nil
	})
}
