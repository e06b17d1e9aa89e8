package account

import (
	"context"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/store"
)

// Warnings returns what the home page shows: sign-ins with the user's password
// whose second factor failed or never came, the newest first.
func (s *Service) Warnings(ctx context.Context, v countersign.Visit, g authn.Principal) (all []countersign.Warning, err error) {
	err = s.Authn.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		all, err = tx.Warnings(ctx, g.User.ID)
		return err
	})
	return all, err
}

// DismissWarnings is «It was me»: the notice goes. It changes nothing that protects
// anybody, the letter is in the mailbox, so no step-up is asked for it.
func (s *Service) DismissWarnings(ctx context.Context, v countersign.Visit, g authn.Principal) error {
	return s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		n, err := tx.DismissWarnings(ctx, g.User.ID)
		if err == nil && n > 0 {
			tx.Record(v.Event("password.known_seen", g.User))
		}
		return err
	})
}
