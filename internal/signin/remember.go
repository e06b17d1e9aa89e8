package signin

import (
	"context"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/store"
)

// SaveRememberChoice keeps a wish on the way to a page that does not ask for it. It decides
// nothing yet, so there is no audit row.
func (s *Service) SaveRememberChoice(ctx context.Context, v countersign.Visit, w authn.RememberChoice) error {
	return s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		_, a, err := s.Authn.Lock(ctx, tx, authn.AttemptID(v.Attempt))
		if err != nil {
			return err
		}
		w.Apply(&a)
		return tx.SaveAttempt(ctx, a)
	})
}
