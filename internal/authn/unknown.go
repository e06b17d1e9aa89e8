package authn

import (
	"context"

	"countersign"
	"countersign/internal/store"
)

// RecordNotFound keeps that somebody who is signed in asked for a thing that does not
// exist: one of another agency looks just so, and whoever tries many of them
// shall be seen (TN-01). id is the user ID of the address, if it holds one.
func (s *Service) RecordNotFound(ctx context.Context, v countersign.Visit, g Principal, id, code string) error {
	if countersign.CheckLogin(id) != nil {
		id = "" // what was typed there is no user ID, and may be anything
	}
	return s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		e := v.RefusedEvent("object.unknown", g.User, code)
		e.Subject = id
		tx.Record(e)
		return nil
	})
}
