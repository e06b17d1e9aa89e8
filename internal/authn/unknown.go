package authn

import (
	"context"

	"countersign"
	"countersign/internal/store"
)

// RecordNotFound records that a signed-in user asked for something that does not
// exist. Things of other agencies look the same, and repeated tries at them must be
// visible (TN-01). id is the user ID in the address, if it holds one.
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
