package signin

import (
	"context"

	"countersign"
	"countersign/internal/store"
)

// A RememberChoice is what a page said about remembering this device. A page that does
// not ask says nothing, and what was said before it stays.
type RememberChoice struct{ Set, Decline bool }

func (w RememberChoice) apply(a *countersign.Attempt) {
	if w.Set {
		a.DeclineRemember = w.Decline
	}
}

// SaveRememberChoice keeps a wish on the way to a page that does not ask for it. It decides
// nothing yet, so there is no audit row.
func (s *Service) SaveRememberChoice(ctx context.Context, v countersign.Visit, w RememberChoice) error {
	return s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		_, a, err := s.lock(ctx, tx, attemptID(v.Attempt))
		if err != nil {
			return err
		}
		w.apply(&a)
		return tx.SaveAttempt(ctx, a)
	})
}
