package signin

import (
	"context"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// SetUpSMS takes the number and sends a token to it (M18).
func (d *Desk) SetUpSMS(ctx context.Context, v countersign.Visit, country, typed string) (Outcome, error) {
	return d.inWizard(ctx, v, func(tx *store.Tx, f *policy.Facts) error {
		if err := d.offered(*f, countersign.SMS); err != nil {
			return err
		}
		fa, err := d.Methods.Of(countersign.SMS).Enroll(factor.Input{Address: typed, Country: country, Countries: f.Agency.Countries})
		if err != nil {
			return err
		}
		if err := phoneShared(ctx, tx, *f, fa.Address); err != nil {
			return err
		}
		s := &f.Attempt.Setup
		if s.Method == countersign.SMS && s.Phone == fa.Address && f.Attempt.Challenge.Live(v.Now) {
			return nil // the tenth digit and the button at once send one message (SM-02)
		}
		s.Method, s.Phone, s.Country = countersign.SMS, fa.Address, country
		return d.issue(ctx, tx, v, f, fa)
	})
}

// SMSToken takes the token sent to the number.
func (d *Desk) SMSToken(ctx context.Context, v countersign.Visit, typed string) (Outcome, error) {
	smsFactor := func(f policy.Facts) countersign.Factor {
		return countersign.Factor{User: f.User.ID, Method: countersign.SMS, Address: f.Attempt.Setup.Phone}
	}
	return d.wizardToken(ctx, v, typed, policy.ProveSMS{}, smsFactor, func(ctx context.Context, tx *store.Tx, f *policy.Facts) error {
		fa := smsFactor(*f)
		if err := phoneShared(ctx, tx, *f, fa.Address); err != nil {
			return err
		}
		if err := d.verified(ctx, tx, v, f, fa); err != nil {
			return err
		}
		return d.methodAdded(ctx, tx, v, f, fa.Method, "")
	})
}
