package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"countersign"
)

// LockLane is where a lane stands; no other transaction that asks for the same
// lane goes on before this one has ended.
func (tx *Tx) LockLane(ctx context.Context, subject string, lane countersign.Lane, now time.Time) (t countersign.Tally, err error) {
	var until, closed int64
	err = tx.sql.QueryRowContext(ctx, `
		INSERT INTO lane (agency_id, subject, name, failures, until, closed, touched) VALUES ($1, $2, $3, 0, 0, 0, $4)
		ON CONFLICT (agency_id, subject, name) DO UPDATE SET touched = excluded.touched
		RETURNING failures, until, closed`, tx.agency, subject, lane, millis(now)).Scan(&t.Failures, &until, &closed)
	t.Until, t.Closed = instant(until), instant(closed)
	return t, err
}

// Lanes are all lanes of a subject, with what is in flight on them since then.
func (tx *Tx) Lanes(ctx context.Context, subject string, since time.Time) (map[countersign.Lane]countersign.Tally, error) {
	type row struct {
		lane  countersign.Lane
		tally countersign.Tally
	}
	all, err := list(ctx, tx.sql, func(scan func(...any) error) (r row, err error) {
		var until, closed int64
		err = scan(&r.lane, &r.tally.Failures, &until, &closed, &r.tally.InFlight)
		r.tally.Until, r.tally.Closed = instant(until), instant(closed)
		return r, err
	}, `SELECT name, failures, until, closed, (
			SELECT count(*) FROM guess g
			WHERE g.agency_id = lane.agency_id AND g.subject = lane.subject AND g.lane = lane.name AND NOT g.failed AND g.at > $3)
		FROM lane WHERE agency_id = $1 AND subject = $2`, tx.agency, subject, millis(since))
	lanes := map[countersign.Lane]countersign.Tally{}
	for _, r := range all {
		lanes[r.lane] = r.tally
	}
	return lanes, err
}

// CountInFlight is how many guesses of a lane are paid for and not settled since then.
func (tx *Tx) CountInFlight(ctx context.Context, subject string, lane countersign.Lane, since time.Time) (n int, err error) {
	err = tx.sql.QueryRowContext(ctx,
		`SELECT count(*) FROM guess WHERE agency_id = $1 AND subject = $2 AND lane = $3 AND NOT failed AND at > $4`,
		tx.agency, subject, lane, millis(since)).Scan(&n)
	return n, err
}

// HasLostGuesses reports whether a lane has guesses that LoseGuesses would settle.
func (tx *Tx) HasLostGuesses(ctx context.Context, subject string, lane countersign.Lane, until time.Time) (lost bool, err error) {
	err = tx.sql.QueryRowContext(ctx,
		`SELECT EXISTS (SELECT 1 FROM guess WHERE agency_id = $1 AND subject = $2 AND lane = $3 AND NOT failed AND at <= $4)`,
		tx.agency, subject, lane, millis(until)).Scan(&lost)
	return lost, err
}

// LoseGuesses settles as wrong what was paid for until then and never settled:
// the node that judged it has died. It reports how many there were, and when the last was.
func (tx *Tx) LoseGuesses(ctx context.Context, subject string, lane countersign.Lane, until time.Time) (n int, last time.Time, err error) {
	lost, err := list(ctx, tx.sql, func(scan func(...any) error) (at int64, err error) {
		return at, scan(&at)
	}, `UPDATE guess SET failed = TRUE WHERE agency_id = $1 AND subject = $2 AND lane = $3 AND NOT failed AND at <= $4 RETURNING at`,
		tx.agency, subject, lane, millis(until))
	for _, at := range lost {
		if t := instant(at); t.After(last) {
			last = t
		}
	}
	return len(lost), last, err
}

// AddGuess pays for a guess.
func (tx *Tx) AddGuess(ctx context.Context, g countersign.Guess) error {
	_, err := tx.exec(ctx, `
		INSERT INTO guess (id, agency_id, subject, lane, network, wide, at, failed, spent) VALUES ($2, $1, $3, $4, $5, $6, $7, FALSE, FALSE)`,
		tx.agency, g.ID, g.Subject, g.Lane, g.Client.Network(), g.Client.Wide(), millis(g.At))
	return err
}

// FailGuess settles a guess as wrong and returns how many of its lane failed in
// a row; 0 if it was settled before.
func (tx *Tx) FailGuess(ctx context.Context, g countersign.Guess) (failures int, err error) {
	n, err := tx.exec(ctx, `UPDATE guess SET failed = TRUE WHERE agency_id = $1 AND id = $2 AND NOT failed`, tx.agency, g.ID)
	if err != nil || n == 0 {
		return 0, err
	}
	return tx.CountFailures(ctx, g.Subject, g.Lane, 1)
}

// CountFailures adds failures to a lane that is locked or was locked before.
func (tx *Tx) CountFailures(ctx context.Context, subject string, lane countersign.Lane, n int) (failures int, err error) {
	err = tx.sql.QueryRowContext(ctx,
		`UPDATE lane SET failures = failures + $4 WHERE agency_id = $1 AND subject = $2 AND name = $3 RETURNING failures`,
		tx.agency, subject, lane, n).Scan(&failures)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil // cleared meanwhile: a new password was chosen
	}
	return failures, err
}

// HoldLane lets a lane wait until then, unless it waits longer already.
func (tx *Tx) HoldLane(ctx context.Context, subject string, lane countersign.Lane, until time.Time) error {
	_, err := tx.exec(ctx, `UPDATE lane SET until = $4 WHERE agency_id = $1 AND subject = $2 AND name = $3 AND until < $4`,
		tx.agency, subject, lane, millis(until))
	return err
}

// CloseLane closes a lane and reports whether it was open.
func (tx *Tx) CloseLane(ctx context.Context, subject string, lane countersign.Lane, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `
		INSERT INTO lane (agency_id, subject, name, failures, until, closed, touched) VALUES ($1, $2, $3, 0, 0, $4, $4)
		ON CONFLICT (agency_id, subject, name) DO UPDATE SET closed = excluded.closed, touched = excluded.touched WHERE lane.closed = 0`,
		tx.agency, subject, lane, millis(now))
	return n == 1, err
}

// ReturnGuess takes a payment back: nothing was compared.
func (tx *Tx) ReturnGuess(ctx context.Context, g countersign.Guess) error {
	_, err := tx.exec(ctx, `DELETE FROM guess WHERE agency_id = $1 AND id = $2`, tx.agency, g.ID)
	return err
}

// RightGuess takes the payment of a right guess back; its lane begins anew. What the
// same subject got wrong before from the same network is forgiven: the limits that
// the network shares leave it out (TH-09). What other lanes, the agency and the
// limits of tokens have counted stays.
func (tx *Tx) RightGuess(ctx context.Context, g countersign.Guess) error {
	if err := tx.ReturnGuess(ctx, g); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `UPDATE lane SET failures = 0, until = 0 WHERE agency_id = $1 AND subject = $2 AND name = $3`,
		tx.agency, g.Subject, g.Lane)
	if err != nil || g.Lane.IsKnown() {
		return err
	}
	const forgive = `UPDATE guess SET forgiven = TRUE WHERE agency_id = $1 AND subject = $2 AND network = $3 AND failed AND NOT forgiven`
	if g.Lane.Method() == "" {
		_, err = tx.exec(ctx, forgive+` AND lane IN ('password', 'passkey')`, tx.agency, g.Subject, g.Client.Network())
	} else {
		_, err = tx.exec(ctx, forgive+` AND lane LIKE 'token-%'`, tx.agency, g.Subject, g.Client.Network())
	}
	return err
}

// ClearPasswordFailures opens both password lanes of a user: whoever changes a
// password calls it, so that no wait and no closing outlives it (D-41, TH-05).
func (tx *Tx) ClearPasswordFailures(ctx context.Context, user countersign.UserID) error {
	_, err := tx.exec(ctx, `DELETE FROM lane WHERE agency_id = $1 AND subject = $2 AND name IN ('password', 'password-known')`, tx.agency, user)
	return err
}

// OpenMethod lets the tokens of a method that is bound anew be counted anew.
// Those of the last day stay counted for the day.
func (tx *Tx) OpenMethod(ctx context.Context, user countersign.UserID, m countersign.Method) error {
	lane := countersign.LaneOf(m)
	if _, err := tx.exec(ctx, `DELETE FROM lane WHERE agency_id = $1 AND subject = $2 AND name = $3`, tx.agency, user, lane); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `UPDATE guess SET spent = TRUE WHERE agency_id = $1 AND subject = $2 AND lane = $3`, tx.agency, user, lane)
	return err
}

// Once reports true to one transaction only until then: for alarms that would
// otherwise be raised by each guess that is refused.
func (tx *Tx) Once(ctx context.Context, subject, name string, now, until time.Time) (bool, error) {
	n, err := tx.exec(ctx, `
		INSERT INTO lane (agency_id, subject, name, failures, until, closed, touched) VALUES ($1, $2, $3, 0, $5, 0, $4)
		ON CONFLICT (agency_id, subject, name) DO UPDATE SET until = excluded.until, touched = excluded.touched WHERE lane.until <= $4`,
		tx.agency, subject, name, millis(now), millis(until))
	return n == 1, err
}

// PruneGuesses removes guesses and lanes that were last touched before then, of all agencies.
func (db *DB) PruneGuesses(ctx context.Context, before time.Time) error {
	if _, err := db.execEverywhere(ctx, `DELETE FROM guess WHERE at < $1`, millis(before)); err != nil {
		return err
	}
	_, err := db.execEverywhere(ctx, `DELETE FROM lane WHERE touched < $1 AND closed = 0`, millis(before))
	return err
}
