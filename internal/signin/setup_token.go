package signin

import (
	"context"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// wizardToken judges a token of the wizard at one stage of it.
func (d *Desk) wizardToken(ctx context.Context, v countersign.Visit, typed string, at policy.Stage,
	expected func(policy.Facts) countersign.Factor, right func(context.Context, *store.Tx, *policy.Facts) error) (Outcome, error) {
	var out Outcome
	if err := d.standsIn(ctx, v, true); err != nil {
		return out, err
	}
	if err := d.waitsAt(ctx, v, at); err != nil {
		return out, err
	}
	err := d.judge(ctx, v, attemptID(v.Attempt), Typed{Token: typed}, func(ctx context.Context, tx *store.Tx, f policy.Facts, token string) (bool, error) {
		if err := d.wizardOpen(f, v); err != nil {
			return false, err
		}
		if !d.standsAt(f, at) {
			return false, errElsewhere
		}
		ok, err := d.prove(ctx, tx, v, &f, expected(f), token)
		if !ok || err != nil {
			return false, err
		}
		if err := tx.ReturnTry(ctx, f.Attempt.ID); err != nil {
			return false, err
		}
		if err := right(ctx, tx, &f); err != nil {
			return false, err
		}
		out, err = d.goOn(ctx, tx, v, f)
		return err == nil, err
	})
	return out, err
}

// errElsewhere is over for what came to a wizard at another stage, or was taken
// before, as from a second click: nothing is compared, and no try is paid for.
var errElsewhere = over()

// waitsAt refuses a token for another stage of the wizard before it costs a try.
func (d *Desk) waitsAt(ctx context.Context, v countersign.Visit, at policy.Stage) error {
	return d.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		a, err := tx.Attempt(ctx, attemptID(v.Attempt))
		if err != nil {
			return gone(err)
		}
		f, err := d.read(ctx, tx, v, a)
		if err == nil && !d.standsAt(f, at) {
			err = errElsewhere
		}
		return err
	})
}

// standsAt tells whether the wizard takes a token of this stage now. The app's
// token is taken while further methods are open, until one was right.
func (d *Desk) standsAt(f policy.Facts, at policy.Stage) bool {
	switch at.(type) {
	case policy.Menu:
		return d.offered(f, countersign.App) == nil && len(f.Attempt.Setup.Key) > 0
	default:
		return d.stage(f) == at
	}
}
