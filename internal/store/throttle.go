package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"countersign"
)

// LockLimit returns the state of a limit and locks it until the transaction ends.
func (tx *Tx) LockLimit(ctx context.Context, subject string, limit countersign.LimitKey, now time.Time) (t countersign.LimitState, err error) {
	var until, closed int64
	err = tx.sql.QueryRowContext(ctx, `
		INSERT INTO lane (agency_id, subject, name, failures, until, closed, touched) VALUES ($1, $2, $3, 0, 0, 0, $4)
		ON CONFLICT (agency_id, subject, name) DO UPDATE SET touched = excluded.touched
		RETURNING failures, until, closed`, tx.agency, subject, limit, millis(now)).Scan(&t.Failures, &until, &closed)
	t.Until, t.Closed = instant(until), instant(closed)
	return t, err
}

// Limits returns all limits of a subject, with the unsettled tries since then.
func (tx *Tx) Limits(ctx context.Context, subject string, since time.Time) (map[countersign.LimitKey]countersign.LimitState, error) {
	type row struct {
		limit countersign.LimitKey
		state countersign.LimitState
	}
	all, err := list(ctx, tx.sql, func(scan func(...any) error) (r row, err error) {
		var until, closed int64
		err = scan(&r.limit, &r.state.Failures, &until, &closed, &r.state.InFlight)
		r.state.Until, r.state.Closed = instant(until), instant(closed)
		return r, err
	}, `SELECT name, failures, until, closed, (
			SELECT count(*) FROM guess g
			WHERE g.agency_id = lane.agency_id AND g.subject = lane.subject AND g.lane = lane.name AND NOT g.failed AND g.at > $3)
		FROM lane WHERE agency_id = $1 AND subject = $2`, tx.agency, subject, millis(since))
	limits := map[countersign.LimitKey]countersign.LimitState{}
	for _, r := range all {
		limits[r.limit] = r.state
	}
	return limits, err
}

// CountInFlight counts the tries of a limit that were reserved since then and are not settled.
func (tx *Tx) CountInFlight(ctx context.Context, subject string, limit countersign.LimitKey, since time.Time) (n int, err error) {
	err = tx.sql.QueryRowContext(ctx,
		`SELECT count(*) FROM guess WHERE agency_id = $1 AND subject = $2 AND lane = $3 AND NOT failed AND at > $4`,
		tx.agency, subject, limit, millis(since)).Scan(&n)
	return n, err
}

// HasLostGuesses reports whether a limit has tries that FailUnsettled would settle.
func (tx *Tx) HasLostGuesses(ctx context.Context, subject string, limit countersign.LimitKey, until time.Time) (lost bool, err error) {
	err = tx.sql.QueryRowContext(ctx,
		`SELECT EXISTS (SELECT 1 FROM guess WHERE agency_id = $1 AND subject = $2 AND lane = $3 AND NOT failed AND at <= $4)`,
		tx.agency, subject, limit, millis(until)).Scan(&lost)
	return lost, err
}

// FailUnsettled settles tries as failed that were reserved until then and never settled,
// because the node that compared them died. It returns how many there were and the time of the
// last one.
func (tx *Tx) FailUnsettled(ctx context.Context, subject string, limit countersign.LimitKey, until time.Time) (n int, last time.Time, err error) {
	lost, err := list(ctx, tx.sql, func(scan func(...any) error) (at int64, err error) {
		return at, scan(&at)
	}, `UPDATE guess SET failed = TRUE WHERE agency_id = $1 AND subject = $2 AND lane = $3 AND NOT failed AND at <= $4 RETURNING at`,
		tx.agency, subject, limit, millis(until))
	for _, at := range lost {
		if t := instant(at); t.After(last) {
			last = t
		}
	}
	return len(lost), last, err
}

// AddTry reserves a try before the answer is compared.
func (tx *Tx) AddTry(ctx context.Context, g countersign.CountedTry) error {
	_, err := tx.exec(ctx, `
		INSERT INTO guess (id, agency_id, subject, lane, network, wide, at, failed, spent) VALUES ($2, $1, $3, $4, $5, $6, $7, FALSE, FALSE)`,
		tx.agency, g.ID, g.Subject, g.Limit, g.Client.Network(), g.Client.Wide(), millis(g.At))
	return err
}

// FailTry settles a try as failed and returns how many of its limit failed in a row; 0 if it
// was settled before.
func (tx *Tx) FailTry(ctx context.Context, g countersign.CountedTry) (failures int, err error) {
	n, err := tx.exec(ctx, `UPDATE guess SET failed = TRUE WHERE agency_id = $1 AND id = $2 AND NOT failed`, tx.agency, g.ID)
	if err != nil || n == 0 {
		return 0, err
	}
	return tx.CountFailures(ctx, g.Subject, g.Limit, 1)
}

// CountFailures adds failures to a limit that is or was locked, and returns the new count.
func (tx *Tx) CountFailures(ctx context.Context, subject string, limit countersign.LimitKey, n int) (failures int, err error) {
	err = tx.sql.QueryRowContext(ctx,
		`UPDATE lane SET failures = failures + $4 WHERE agency_id = $1 AND subject = $2 AND name = $3 RETURNING failures`,
		tx.agency, subject, limit, n).Scan(&failures)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil // cleared in between: a new password was chosen
	}
	return failures, err
}

// DelayUntil delays a limit until then, unless its delay is longer already.
func (tx *Tx) DelayUntil(ctx context.Context, subject string, limit countersign.LimitKey, until time.Time) error {
	_, err := tx.exec(ctx, `UPDATE lane SET until = $4 WHERE agency_id = $1 AND subject = $2 AND name = $3 AND until < $4`,
		tx.agency, subject, limit, millis(until))
	return err
}

// LockOut closes a limit and reports whether it was open.
func (tx *Tx) LockOut(ctx context.Context, subject string, limit countersign.LimitKey, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `
		INSERT INTO lane (agency_id, subject, name, failures, until, closed, touched) VALUES ($1, $2, $3, 0, 0, $4, $4)
		ON CONFLICT (agency_id, subject, name) DO UPDATE SET closed = excluded.closed, touched = excluded.touched WHERE lane.closed = 0`,
		tx.agency, subject, limit, millis(now))
	return n == 1, err
}

// RemoveTry removes a reserved try. Use it if nothing was compared.
func (tx *Tx) RemoveTry(ctx context.Context, g countersign.CountedTry) error {
	_, err := tx.exec(ctx, `DELETE FROM guess WHERE agency_id = $1 AND id = $2`, tx.agency, g.ID)
	return err
}

// AcceptTry removes the reserved try of a correct answer and resets its limit. Earlier
// failures of the same subject from the same network are forgiven: the network's shared limits
// ignore them (TH-09). What other limits, the agency and the token limits have counted stays.
func (tx *Tx) AcceptTry(ctx context.Context, g countersign.CountedTry) error {
	if err := tx.RemoveTry(ctx, g); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `UPDATE lane SET failures = 0, until = 0 WHERE agency_id = $1 AND subject = $2 AND name = $3`,
		tx.agency, g.Subject, g.Limit)
	if err != nil || g.Limit.IsKnown() {
		return err
	}
	const forgive = `UPDATE guess SET forgiven = TRUE WHERE agency_id = $1 AND subject = $2 AND network = $3 AND failed AND NOT forgiven`
	if g.Limit.Method() == "" {
		_, err = tx.exec(ctx, forgive+` AND lane IN ('password', 'passkey')`, tx.agency, g.Subject, g.Client.Network())
	} else {
		_, err = tx.exec(ctx, forgive+` AND lane LIKE 'token-%'`, tx.agency, g.Subject, g.Client.Network())
	}
	return err
}

// ClearPasswordFailures clears both password limits of a user. Call it whenever a password
// changes, so that no delay and no lockout remains (TH-05).
func (tx *Tx) ClearPasswordFailures(ctx context.Context, user countersign.UserID) error {
	_, err := tx.exec(ctx, `DELETE FROM lane WHERE agency_id = $1 AND subject = $2 AND name IN ('password', 'password-known')`, tx.agency, user)
	return err
}

// ClearMethodFailures restarts the count for a method that is set up again. Failures of the
// last day still count toward the daily limit.
func (tx *Tx) ClearMethodFailures(ctx context.Context, user countersign.UserID, m countersign.Method) error {
	limit := countersign.LimitOf(m)
	if _, err := tx.exec(ctx, `DELETE FROM lane WHERE agency_id = $1 AND subject = $2 AND name = $3`, tx.agency, user, limit); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `UPDATE guess SET spent = TRUE WHERE agency_id = $1 AND subject = $2 AND lane = $3`, tx.agency, user, limit)
	return err
}

// FirstUntil reports true to only one transaction until then. It keeps alarms from being
// raised for each refused try.
func (tx *Tx) FirstUntil(ctx context.Context, subject, name string, now, until time.Time) (bool, error) {
	n, err := tx.exec(ctx, `
		INSERT INTO lane (agency_id, subject, name, failures, until, closed, touched) VALUES ($1, $2, $3, 0, $5, 0, $4)
		ON CONFLICT (agency_id, subject, name) DO UPDATE SET until = excluded.until, touched = excluded.touched WHERE lane.until <= $4`,
		tx.agency, subject, name, millis(now), millis(until))
	return n == 1, err
}

// PruneTries removes tries and open limits, of all agencies, last used before the given time.
func (db *DB) PruneTries(ctx context.Context, before time.Time) error {
	if _, err := db.execInAllAgencies(ctx, `DELETE FROM guess WHERE at < $1`, millis(before)); err != nil {
		return err
	}
	_, err := db.execInAllAgencies(ctx, `DELETE FROM lane WHERE touched < $1 AND closed = 0`, millis(before))
	return err
}
