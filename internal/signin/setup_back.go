package signin

import (
	"context"
	"slices"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// DropEmail leaves the address that is not verified yet, in a wizard opened from
// the User Profile, and goes back to the other methods. Its token dies.
func (d *Desk) DropEmail(ctx context.Context, v countersign.Visit) (Outcome, error) {
	return d.inWizard(ctx, v, func(tx *store.Tx, f *policy.Facts) error {
		a := &f.Attempt
		if a.Setup.Method != countersign.Email || !slices.ContainsFunc(f.Factors, func(fa countersign.Factor) bool { return fa.Method == countersign.Email }) {
			return nil // nothing to leave: a second press
		}
		if a.Challenge.Message != "" {
			if err := tx.DropToken(ctx, a.Challenge.Message, v.Now); err != nil {
				return err
			}
		}
		a.Setup.Method, a.Setup.Email, a.Setup.Confirm = "", "", false
		a.Challenge = countersign.Challenge{}
		e := record(v, "set-up.address_left", f.User)
		e.Method = string(countersign.Email)
		tx.Record(e)
		return nil
	})
}
