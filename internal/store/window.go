package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"countersign"
)

// A Stretch is the time that a window looks at: failures after Since count, and
// a guess that was not settled by Lost was wrong.
type Stretch struct{ Since, Lost time.Time }

// Network is what failed from the network of a client: passwords and passkeys at
// the sign-in page from devices that are not known, and how many subjects fail
// there by these or by token (TH-04).
func (tx *Tx) Network(ctx context.Context, c countersign.Client, s Stretch, most, mostNames int) (page, names countersign.Window, err error) {
	var all int
	err = tx.sql.QueryRowContext(ctx, `
		SELECT COALESCE(SUM(CASE WHEN lane IN ('password', 'passkey') AND (failed OR at <= $4) THEN 1 ELSE 0 END), 0),
			COALESCE(SUM(CASE WHEN lane IN ('password', 'passkey') AND NOT failed AND at > $4 THEN 1 ELSE 0 END), 0),
			COUNT(DISTINCT CASE WHEN failed OR at <= $4 THEN subject END), COUNT(DISTINCT subject)
		FROM guess WHERE agency_id = $1 AND network = $2 AND at > $3 AND lane NOT IN ('password-known', 'passkey-known')`,
		tx.agency, c.Network(), millis(s.Since), millis(s.Lost)).Scan(&page.Failed, &page.InFlight, &names.Failed, &all)
	if err != nil {
		return page, names, err
	}
	names.InFlight = all - names.Failed
	if page.Failed >= most {
		page.Frees, err = tx.nth(ctx, `
			SELECT at FROM guess WHERE agency_id = $1 AND network = $2 AND at > $3 AND lane IN ('password', 'passkey') AND (failed OR at <= $4)
			ORDER BY at DESC LIMIT 1 OFFSET $5`, c.Network(), millis(s.Since), millis(s.Lost), most-1)
	}
	if err == nil && names.Failed >= mostNames {
		names.Frees, err = tx.nth(ctx, `
			SELECT MAX(at) AS last FROM guess WHERE agency_id = $1 AND network = $2 AND at > $3 AND lane NOT IN ('password-known', 'passkey-known') AND (failed OR at <= $4)
			GROUP BY subject ORDER BY last DESC LIMIT 1 OFFSET $5`, c.Network(), millis(s.Since), millis(s.Lost), mostNames-1)
	}
	return page, names, err
}

// Wide is what failed from the wider network of a client; nothing where it has none.
func (tx *Tx) Wide(ctx context.Context, c countersign.Client, s Stretch, most int) (w countersign.Window, err error) {
	if c.Wide() == "" {
		return w, nil
	}
	err = tx.sql.QueryRowContext(ctx, `
		SELECT COALESCE(SUM(CASE WHEN failed OR at <= $4 THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN NOT failed AND at > $4 THEN 1 ELSE 0 END), 0)
		FROM guess WHERE agency_id = $1 AND wide = $2 AND at > $3 AND lane IN ('password', 'passkey')`,
		tx.agency, c.Wide(), millis(s.Since), millis(s.Lost)).Scan(&w.Failed, &w.InFlight)
	if err == nil && w.Failed >= most {
		w.Frees, err = tx.nth(ctx, `
			SELECT at FROM guess WHERE agency_id = $1 AND wide = $2 AND at > $3 AND lane IN ('password', 'passkey') AND (failed OR at <= $4)
			ORDER BY at DESC LIMIT 1 OFFSET $5`, c.Wide(), millis(s.Since), millis(s.Lost), most-1)
	}
	return w, err
}

// OfAgency is what failed in the whole agency. It is not locked: of guesses at
// the same instant a few more than most may pass.
func (tx *Tx) OfAgency(ctx context.Context, s Stretch, most int) (w countersign.Window, err error) {
	w.Frees, err = tx.nth(ctx, `
		SELECT at FROM guess WHERE agency_id = $1 AND at > $2 AND lane IN ('password', 'passkey') AND (failed OR at <= $3)
		ORDER BY at DESC LIMIT 1 OFFSET $4`, millis(s.Since), millis(s.Lost), most-1)
	return w, err
}

// NthWrongToken is the instant of the n-th last wrong token of a user since then, of
// any method; zero if there are fewer. unspent leaves out those that have led to
// a closing already.
func (tx *Tx) NthWrongToken(ctx context.Context, user countersign.UserID, since time.Time, n int, unspent bool) (time.Time, error) {
	return tx.nth(ctx, `
		SELECT at FROM guess WHERE agency_id = $1 AND subject = $2 AND at > $3 AND lane LIKE 'token-%' AND (NOT spent OR NOT $4)
		ORDER BY at DESC LIMIT 1 OFFSET $5`, user, millis(since), unspent, n-1)
}

// SpendTokens marks the wrong tokens of a user since then as those that have led
// to a closing, and returns the lanes that they were on.
func (tx *Tx) SpendTokens(ctx context.Context, user countersign.UserID, since time.Time) ([]countersign.Lane, error) {
	lanes, err := names[countersign.Lane](ctx, tx, `
		SELECT DISTINCT lane FROM guess WHERE agency_id = $1 AND subject = $2 AND at > $3 AND lane LIKE 'token-%' AND NOT spent ORDER BY lane`,
		user, millis(since))
	if err != nil {
		return nil, err
	}
	_, err = tx.exec(ctx, `UPDATE guess SET spent = TRUE WHERE agency_id = $1 AND subject = $2 AND at > $3 AND lane LIKE 'token-%'`,
		tx.agency, user, millis(since))
	return lanes, err
}

// nth is the instant that a query finds; zero if it finds none.
func (tx *Tx) nth(ctx context.Context, query string, args ...any) (time.Time, error) {
	var at int64
	err := tx.sql.QueryRowContext(ctx, query, append([]any{tx.agency}, args...)...).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return instant(at), err
}

// CountGuesses is how many passwords and passkeys alone failed in the whole
// installation since then, counted up to most.
func (db *DB) CountGuesses(ctx context.Context, since time.Time, most int) (n int, err error) {
	err = db.everywhere(ctx, db.read, func(t *sql.Tx) error {
		return t.QueryRowContext(ctx, `
			SELECT count(*) FROM (SELECT at FROM guess WHERE at > $1 AND lane IN ('password', 'passkey') AND failed LIMIT $2) AS recent`,
			millis(since), most).Scan(&n)
	})
	return n, err
}
