package signin

import (
	"context"

	"countersign"
	"countersign/internal/store"
)

// A Wish is what a page said about remembering this device. A page that does
// not ask says nothing, and what was said before it stays.
type Wish struct{ Said, Decline bool }

func (w Wish) keep(a *countersign.Attempt) {
	if w.Said {
		a.Decline = w.Decline
	}
}

// Keep keeps a wish on the way to a page that does not ask for it. It decides
// nothing yet, so there is no audit row.
func (d *Desk) Keep(ctx context.Context, v countersign.Visit, w Wish) error {
	return d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		_, a, err := d.lock(ctx, tx, attemptID(v.Attempt))
		if err != nil {
			return err
		}
		w.keep(&a)
		return tx.SaveAttempt(ctx, a)
	})
}
