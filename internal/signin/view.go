package signin

import (
	"context"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/store"
)

// View shows the attempt of the visit: a sign-in or a wizard.
func (s *Service) View(ctx context.Context, v countersign.Visit) (authn.View, error) {
	return s.Authn.ViewOf(ctx, v, func(tx *store.Tx) (countersign.Attempt, error) {
		if v.Attempt == "" {
			return countersign.Attempt{}, authn.ErrAttemptGone()
		}
		return tx.Attempt(ctx, authn.AttemptID(v.Attempt))
	})
}

// ViewStepUp shows the step-up of the session of the visit.
func (s *Service) ViewStepUp(ctx context.Context, v countersign.Visit) (authn.View, error) {
	view, err := s.Authn.ViewOf(ctx, v, func(tx *store.Tx) (countersign.Attempt, error) {
		return tx.SessionAttempt(ctx, authn.SessionID(v.Session), countersign.PurposeStepUp)
	})
	view.Act = s.pendingMark(view.Attempt)
	return view, err
}

// A SignInPage is what the sign-in page shows before anybody has typed anything.
type SignInPage struct {
	Preferences countersign.Preferences
}

// SignInPage gathers the sign-in page.
func (s *Service) SignInPage(ctx context.Context, v countersign.Visit) (f SignInPage, err error) {
	err = s.Authn.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		f.Preferences, err = tx.Preferences(ctx)
		return err
	})
	return f, err
}
