package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"countersign"
)

// A Period is the time that a window covers: failures after Since count, and a try that is
// still unsettled and not later than UnsettledBefore counts as failed.
type Period struct{ Since, UnsettledBefore time.Time }

// fromPage selects the tries that count for a whole network: at the sign-in page, from unknown
// devices, not forgiven.
const fromPage = `at > $3 AND lane IN ('password', 'passkey') AND NOT forgiven`

// maxTries is how many tries of one network are read. The limits are far below it.
const maxTries = 500

// Network returns the tries from a client's network, oldest first: those at the sign-in page
// from unknown devices, and for each subject that failed there by token its first failure
// (TH-04).
func (tx *Tx) Network(ctx context.Context, c countersign.Client, s Period) ([]countersign.Try, error) {
	scan := func(token bool) func(scan func(...any) error) (countersign.Try, error) {
		return func(scan func(...any) error) (t countersign.Try, err error) {
			var at int64
			err = scan(&t.Subject, &at, &t.Failed)
			t.At, t.Token = instant(at), token
			return t, err
		}
	}
	page, err := list(ctx, tx.sql, scan(false), `
		SELECT subject, at, (failed OR at <= $4) FROM guess WHERE agency_id = $1 AND network = $2 AND `+fromPage+` ORDER BY at DESC, id LIMIT $5`,
		tx.agency, c.Network(), millis(s.Since), millis(s.UnsettledBefore), maxTries)
	if err != nil {
		return nil, err
	}
	tokens, err := list(ctx, tx.sql, scan(true), `
		SELECT subject, MIN(at) AS first, TRUE FROM guess
		WHERE agency_id = $1 AND network = $2 AND at > $3 AND lane LIKE 'token-%' AND NOT forgiven AND (failed OR at <= $4)
		GROUP BY subject ORDER BY first DESC LIMIT $5`,
		tx.agency, c.Network(), millis(s.Since), millis(s.UnsettledBefore), maxTries)
	all := append(page, tokens...)
	slices.SortStableFunc(all, func(a, b countersign.Try) int { return a.At.Compare(b.At) })
	return all, err
}

// Wide returns the failures from the wider network of a client; nothing if it has none.
func (tx *Tx) Wide(ctx context.Context, c countersign.Client, s Period) (w countersign.Window, err error) {
	if c.Wide() == "" {
		return w, nil
	}
	all, err := list(ctx, tx.sql, func(scan func(...any) error) (t countersign.Try, err error) {
		var at int64
		err = scan(&at, &t.Failed)
		t.At = instant(at)
		return t, err
	}, `SELECT at, (failed OR at <= $4) FROM guess WHERE agency_id = $1 AND wide = $2 AND `+fromPage+` ORDER BY at DESC LIMIT $5`,
		tx.agency, c.Wide(), millis(s.Since), millis(s.UnsettledBefore), maxTries)
	for _, t := range slices.Backward(all) {
		if t.Failed {
			w.Failed = append(w.Failed, t.At)
		} else {
			w.InFlight++
		}
	}
	return w, err
}

// OfAgency returns the time of the failure that must expire first once the agency's limit is
// reached; zero if it is not. Nothing is locked, so that a few more tries than most may pass
// at the same instant.
func (tx *Tx) OfAgency(ctx context.Context, s Period, most int) (frees time.Time, err error) {
	return tx.countEarlier(ctx, `
		SELECT at FROM guess WHERE agency_id = $1 AND at > $2 AND lane IN ('password', 'passkey') AND (failed OR at <= $3)
		ORDER BY at DESC LIMIT 1 OFFSET $4`, millis(s.Since), millis(s.UnsettledBefore), most-1)
}

// NthWrongToken returns the time of a user's n-th last wrong token since then, of any method;
// zero if there are fewer. unspent leaves out those that already led to a lockout.
func (tx *Tx) NthWrongToken(ctx context.Context, user countersign.UserID, since time.Time, n int, unspent bool) (time.Time, error) {
	return tx.countEarlier(ctx, `
		SELECT at FROM guess WHERE agency_id = $1 AND subject = $2 AND at > $3 AND lane LIKE 'token-%' AND (NOT spent OR NOT $4)
		ORDER BY at DESC LIMIT 1 OFFSET $5`, user, millis(since), unspent, n-1)
}

// SpendTokens marks the wrong tokens of a user since then as having led to a lockout, and
// returns the limits that counted them.
func (tx *Tx) SpendTokens(ctx context.Context, user countersign.UserID, since time.Time) ([]countersign.LimitKey, error) {
	limits, err := names[countersign.LimitKey](ctx, tx, `
		SELECT DISTINCT lane FROM guess WHERE agency_id = $1 AND subject = $2 AND at > $3 AND lane LIKE 'token-%' AND NOT spent ORDER BY lane`,
		user, millis(since))
	if err != nil {
		return nil, err
	}
	_, err = tx.exec(ctx, `UPDATE guess SET spent = TRUE WHERE agency_id = $1 AND subject = $2 AND at > $3 AND lane LIKE 'token-%'`,
		tx.agency, user, millis(since))
	return limits, err
}

// countEarlier returns the time that a query finds; zero if it finds none.
func (tx *Tx) countEarlier(ctx context.Context, query string, args ...any) (time.Time, error) {
	var at int64
	err := tx.sql.QueryRowContext(ctx, query, append([]any{tx.agency}, args...)...).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return instant(at), err
}

// CountTries counts the failed passwords and passkey-only sign-ins in the whole installation
// since then, up to most.
func (db *DB) CountTries(ctx context.Context, since time.Time, most int) (n int, err error) {
	err = db.inAllAgencies(ctx, db.read, func(t *sql.Tx) error {
		return t.QueryRowContext(ctx, `
			SELECT count(*) FROM (SELECT at FROM guess WHERE at > $1 AND lane IN ('password', 'passkey') AND failed LIMIT $2) AS recent`,
			millis(since), most).Scan(&n)
	})
	return n, err
}
