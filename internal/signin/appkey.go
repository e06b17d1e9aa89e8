package signin

import (
	"context"
	"encoding/hex"
	"strconv"
	"time"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// AppToken takes the token of the app that scanned the wizard's key.
func (d *Desk) AppToken(ctx context.Context, v countersign.Visit, typed string) (Outcome, error) {
	appFactor := func(f policy.Facts) countersign.Factor {
		key, _ := d.pendingKey(f.Attempt, v.Now)
		return countersign.Factor{User: f.User.ID, Method: countersign.App, Secret: key}
	}
	return d.wizardToken(ctx, v, typed, policy.Menu{}, appFactor, func(ctx context.Context, tx *store.Tx, f *policy.Facts) error {
		fa := appFactor(*f)
		fa.State = f.Attempt.Setup.Step // the token that proved it is used (OT-08)
		if err := d.verified(ctx, tx, v, f, fa); err != nil {
			return err
		}
		f.Attempt.Setup.Key = nil // not shown again (OT-07); another one takes another wizard
		return d.methodAdded(ctx, tx, v, f, fa.Method, "")
	})
}

// pendingKey is the app's key that a wizard shows now, and until when it can be
// proved: the one that was drawn, and after each ten minutes another one (ER-03).
// The later ones come from the first by the house's own key, so that opening a
// page writes nothing, and whoever saw one can't tell the next.
func (d *Desk) pendingKey(a countersign.Attempt, now time.Time) (key []byte, until time.Time) {
	drawn := a.Setup.KeyAt
	if drawn.IsZero() {
		drawn = a.Started
	}
	n := max(0, int(now.Sub(drawn)/policy.KeyLife))
	return d.keyOf(a, n), drawn.Add(time.Duration(n+1) * policy.KeyLife)
}

// earlierKey is the key that was shown before that of now; nil if there was none.
func (d *Desk) earlierKey(a countersign.Attempt, now time.Time) []byte {
	_, until := d.pendingKey(a, now)
	drawn := a.Setup.KeyAt
	if drawn.IsZero() {
		drawn = a.Started
	}
	n := int(until.Sub(drawn)/policy.KeyLife) - 1
	if n < 1 {
		return nil
	}
	return d.keyOf(a, n-1)
}

// keyOf is the wizard's n-th key: 160 bits, as the one that was drawn (OT-07).
func (d *Desk) keyOf(a countersign.Attempt, n int) []byte {
	if n == 0 || len(a.Setup.Key) == 0 {
		return a.Setup.Key
	}
	return d.Key.MAC("app key", string(a.ID), hex.EncodeToString(a.Setup.Key), strconv.Itoa(n))[:len(a.Setup.Key)]
}

// keyOver tells whether a token of the wizard was made with the key that was
// shown before: it was right until a while ago.
func (d *Desk) keyOver(a countersign.Attempt, fa countersign.Factor, in factor.Binding, token string, v countersign.Visit) bool {
	if fa.Method != countersign.App || fa.ID != "" || !a.Setup.Open {
		return false
	}
	fa.Secret = d.earlierKey(a, v.Now)
	m := d.Methods.Of(countersign.App)
	if len(fa.Secret) == 0 || m == nil {
		return false
	}
	_, err := m.Check(fa, a.Challenge, in, token, v.Now)
	return err == nil
}
