package apptest

import (
	"context"
	"sync"

	"countersign/internal/store"
)

// happened are the actions of all audit rows of all houses of the process: the
// last check of the package compares them with the catalog (AU-01).
var happened sync.Map

// noteEvents keeps what has happened in a house that is closing, with one row
// of each kind. A house whose log can't be read has a test that broke it.
func (h *App) noteEvents() {
	ctx := context.Background()
	all, err := h.DB.Agencies(ctx)
	if err != nil {
		return
	}
	for _, a := range all {
		_ = h.DB.Read(ctx, a.ID, func(tx *store.Tx) error {
			events, err := tx.Events(ctx, "", 100_000)
			for _, e := range events {
				happened.Store(e.Action, e)
			}
			return err
		})
	}
}
