package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"countersign"
)

// attemptAAD names the row that an attempt's body is sealed for.
func (tx *Tx) attemptAAD(id countersign.AttemptID) string {
	return fmt.Sprintf("attempt.body/%s/%s", tx.agency, id)
}

var attemptColumns = columns("id", "session_id", "failures", "tried", "hints", "body")

func (tx *Tx) scanAttempt(scan func(...any) error) (countersign.Attempt, error) {
	var a countersign.Attempt
	var id countersign.AttemptID
	var session countersign.SessionID // the current ID: a step-up renames the session
	var failures, hints int
	var tried int64
	var sealed []byte
	if err := scan(&id, &session, &failures, &tried, &hints, &sealed); err != nil {
		return a, err
	}
	body, err := tx.db.box.Open(sealed, tx.attemptAAD(id))
	if err != nil {
		return a, &countersign.Error{Kind: countersign.KindDenied, Code: "secret.broken", Args: countersign.Args{"Place": tx.attemptAAD(id)}, Err: err}
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("read attempt: %w", err)
	}
	a.ID, a.Session, a.Failures, a.Tried, a.Hints = id, session, failures, instant(tried), hints
	return a, nil
}

func (tx *Tx) sealAttempt(a countersign.Attempt) ([]byte, error) {
	body, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	return tx.db.box.Seal(body, tx.attemptAAD(a.ID))
}

// Attempt returns the attempt with this ID. If another event ended it, the error is of
// KindGone and its code says why.
func (tx *Tx) Attempt(ctx context.Context, id countersign.AttemptID) (countersign.Attempt, error) {
	a, err := tx.scanAttempt(tx.sql.QueryRowContext(ctx,
		`SELECT `+attemptColumns+` FROM attempt WHERE agency_id = $1 AND id = $2`, tx.agency, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return a, tx.noAttempt(ctx, id)
	}
	return a, err
}

// AddAttempt adds a new attempt.
func (tx *Tx) AddAttempt(ctx context.Context, a countersign.Attempt) error {
	sealed, err := tx.sealAttempt(a)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		INSERT INTO attempt (agency_id, id, user_id, purpose, session_id, failures, hints, body, started, expires)
		VALUES ($1, $2, $3, $4, $5, 0, 0, $6, $7, $8)`,
		tx.agency, a.ID, a.User, a.Purpose, a.Session, sealed, millis(a.Started), millis(a.Expires))
	return err
}

// SaveAttempt saves what was proved. The counters have statements of their own.
func (tx *Tx) SaveAttempt(ctx context.Context, a countersign.Attempt) error {
	sealed, err := tx.sealAttempt(a)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, `UPDATE attempt SET body = $3, expires = $4 WHERE agency_id = $1 AND id = $2`,
		tx.agency, a.ID, sealed, millis(a.Expires))
	if err == nil && n == 0 {
		return &countersign.Error{Kind: countersign.KindGone, Code: "attempt.expired"}
	}
	return err
}

// ReserveTry counts one try before the answer is compared and reports false if none is left.
// It is one conditional write, so that at most limit answers are ever compared, however many
// requests and nodes race (TH-01).
func (tx *Tx) ReserveTry(ctx context.Context, id countersign.AttemptID, limit int, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `UPDATE attempt SET failures = failures + 1, tried = $4 WHERE agency_id = $1 AND id = $2 AND failures < $3`,
		tx.agency, id, limit, millis(now))
	return n == 1, err
}

// ReturnTry gives back the try of a correct answer.
func (tx *Tx) ReturnTry(ctx context.Context, id countersign.AttemptID) error {
	_, err := tx.exec(ctx, `UPDATE attempt SET failures = failures - 1 WHERE agency_id = $1 AND id = $2`, tx.agency, id)
	return err
}

// CountHint counts an input that was not six digits. It reports false beyond limit.
func (tx *Tx) CountHint(ctx context.Context, id countersign.AttemptID, limit int) (bool, error) {
	n, err := tx.exec(ctx, `UPDATE attempt SET hints = hints + 1 WHERE agency_id = $1 AND id = $2 AND hints < $3`, tx.agency, id, limit)
	return n == 1, err
}

// EndAttempt removes an attempt and reports whether it still existed. The caller records the
// outcome. Attempts that other events end go through EndAttempts.
func (tx *Tx) EndAttempt(ctx context.Context, id countersign.AttemptID) (bool, error) {
	n, err := tx.exec(ctx, `DELETE FROM attempt WHERE agency_id = $1 AND id = $2`, tx.agency, id)
	return n == 1, err
}

// EndSessionAttempts removes the attempts of one purpose that were started from a session.
func (tx *Tx) EndSessionAttempts(ctx context.Context, session countersign.SessionID, purpose countersign.Purpose) error {
	_, err := tx.exec(ctx, `DELETE FROM attempt WHERE agency_id = $1 AND session_id = $2 AND purpose = $3`, tx.agency, session, purpose)
	return err
}

// SessionAttempt returns the newest attempt of a purpose that was started from a session.
func (tx *Tx) SessionAttempt(ctx context.Context, session countersign.SessionID, purpose countersign.Purpose) (countersign.Attempt, error) {
	a, err := tx.scanAttempt(tx.sql.QueryRowContext(ctx,
		`SELECT `+attemptColumns+` FROM attempt WHERE agency_id = $1 AND session_id = $2 AND purpose = $3 ORDER BY started DESC, id LIMIT 1`,
		tx.agency, session, purpose).Scan)
	return a, notFound(err, "attempt.expired")
}

// LiveAttempts returns a user's unexpired attempts for one purpose, oldest first, at most
// limit.
func (tx *Tx) LiveAttempts(ctx context.Context, user countersign.UserID, p countersign.Purpose, now time.Time, limit int) ([]countersign.Attempt, error) {
	return list(ctx, tx.sql, tx.scanEnded, `
		SELECT `+attemptColumns+` FROM attempt WHERE agency_id = $1 AND user_id = $2 AND purpose = $3 AND expires > $4 ORDER BY started, id LIMIT $5`,
		tx.agency, user, p, millis(now), limit)
}

// CountAttempts counts a user's unexpired attempts for one purpose.
func (tx *Tx) CountAttempts(ctx context.Context, user countersign.UserID, p countersign.Purpose, now time.Time) (n int, err error) {
	err = tx.sql.QueryRowContext(ctx,
		`SELECT count(*) FROM attempt WHERE agency_id = $1 AND user_id = $2 AND purpose = $3 AND expires > $4`,
		tx.agency, user, p, millis(now)).Scan(&n)
	return n, err
}

// CountEnrollments counts a user's unexpired attempts of any purpose.
func (tx *Tx) CountEnrollments(ctx context.Context, user countersign.UserID, now time.Time) (int, error) {
	var n int
	err := tx.sql.QueryRowContext(ctx, `SELECT count(*) FROM attempt WHERE agency_id = $1 AND user_id = $2 AND expires > $3`,
		tx.agency, user, millis(now)).Scan(&n)
	return n, err
}

// PruneAttempts removes attempts of all agencies that expired before the given time, without
// notifying anyone. They are those that signin's own cleanup could not end.
func (db *DB) PruneAttempts(ctx context.Context, before time.Time) error {
	_, err := db.execInAllAgencies(ctx, `DELETE FROM attempt WHERE expires < $1`, millis(before))
	return err
}
