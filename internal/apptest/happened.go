package apptest

import (
	"context"
	"sync"

	"countersign/internal/store"
)

// happened collects the actions of all audit rows in the process. The last check of the package
// compares them with the catalog (AU-01).
var happened sync.Map

// noteEvents records the actions of an application that is closing, with one row of each kind. If
// the log can't be read, its test damaged it.
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
