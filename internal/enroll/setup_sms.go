package enroll

import (
	"context"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// EnrollSMS takes the number and sends a token to it (M18).
func (s *Service) EnrollSMS(ctx context.Context, v countersign.Visit, country, typed string) (authn.Outcome, error) {
	return s.inWizard(ctx, v, func(tx *store.Tx, f *policy.Facts) error {
		if err := s.offered(*f, countersign.MethodSMS); err != nil {
			return err
		}
		fa, err := s.Authn.Methods.Of(countersign.MethodSMS).Enroll(factor.Input{Address: typed, Country: country, Countries: f.Agency.Countries})
		if err != nil {
			return err
		}
		if err := authn.PhoneShared(ctx, tx, *f, fa.Address); err != nil {
			return err
		}
		enrollment := &f.Attempt.Enrollment
		if enrollment.Method == countersign.MethodSMS && enrollment.Phone == fa.Address && f.Attempt.Challenge.Live(v.Now) {
			return nil // the tenth digit and the button at once send one message (SM-02)
		}
		enrollment.Method, enrollment.Phone, enrollment.Country = countersign.MethodSMS, fa.Address, country
		return s.Authn.Issue(ctx, tx, v, f, fa)
	})
}

// VerifySMSToken takes the token sent to the number.
func (s *Service) VerifySMSToken(ctx context.Context, v countersign.Visit, typed string) (authn.Outcome, error) {
	smsFactor := func(f policy.Facts) countersign.Factor {
		return countersign.Factor{User: f.User.ID, Method: countersign.MethodSMS, Address: f.Attempt.Enrollment.Phone}
	}
	return s.wizardToken(ctx, v, typed, policy.ProveSMS{}, smsFactor, func(ctx context.Context, tx *store.Tx, f *policy.Facts) error {
		fa := smsFactor(*f)
		if err := authn.PhoneShared(ctx, tx, *f, fa.Address); err != nil {
			return err
		}
		if err := s.verified(ctx, tx, v, f, fa); err != nil {
			return err
		}
		return s.methodAdded(ctx, tx, v, f, fa.Method, "")
	})
}
