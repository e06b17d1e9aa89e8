package enroll

import (
	"context"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// wizardToken judges a token of the wizard at one stage of it.
func (s *Service) wizardToken(ctx context.Context, v countersign.Visit, typed string, at policy.Stage,
	expected func(policy.Facts) countersign.Factor, right func(context.Context, *store.Tx, *policy.Facts) error) (authn.Outcome, error) {
	var out authn.Outcome
	if err := s.Authn.WantWizard(ctx, v, true); err != nil {
		return out, err
	}
	if err := s.wantStage(ctx, v, at); err != nil {
		return out, err
	}
	err := s.Authn.VerifyTyped(ctx, v, authn.AttemptID(v.Attempt), authn.Typed{Token: typed}, func(ctx context.Context, tx *store.Tx, f policy.Facts, token string) (bool, error) {
		if err := s.Authn.WizardOpen(f, v); err != nil {
			return false, err
		}
		if !s.takesStage(f, at) {
			return false, authn.ErrWrongStage
		}
		ok, err := s.Authn.CheckToken(ctx, tx, v, &f, expected(f), token)
		if !ok || err != nil {
			return false, err
		}
		if err := tx.ReturnTry(ctx, f.Attempt.ID); err != nil {
			return false, err
		}
		if err := right(ctx, tx, &f); err != nil {
			return false, err
		}
		out, err = s.continueWizard(ctx, tx, v, f)
		return err == nil, err
	})
	return out, err
}

// wantStage refuses a token for another stage of the wizard before it costs a try.
func (s *Service) wantStage(ctx context.Context, v countersign.Visit, at policy.Stage) error {
	return s.Authn.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		a, err := tx.Attempt(ctx, authn.AttemptID(v.Attempt))
		if err != nil {
			return authn.OrGone(err)
		}
		f, err := s.Authn.Read(ctx, tx, v, a)
		if err == nil && !s.takesStage(f, at) {
			err = authn.ErrWrongStage
		}
		return err
	})
}

// takesStage tells whether the wizard takes a token of this stage now. The app's
// token is taken while further methods are open, until one was right.
func (s *Service) takesStage(f policy.Facts, at policy.Stage) bool {
	switch at.(type) {
	case policy.Menu:
		return s.offered(f, countersign.MethodApp) == nil && len(f.Attempt.Enrollment.Key) > 0
	default:
		return s.Authn.StageOf(f) == at
	}
}
