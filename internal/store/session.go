package store

import (
	"context"
	"time"

	"countersign"
)

// sessionBrowser is the browser of a session. Nodes of an earlier version save only its
// device.
const sessionBrowser = `COALESCE(NULLIF(session.browser_id, ''), (SELECT d.browser_id FROM device d
	WHERE d.agency_id = session.agency_id AND d.user_id = session.user_id AND d.id = session.device_id), '')`

var sessionColumns = columns("id", "user_id", "device_id", sessionBrowser, "ip", "family", "os", "product",
	"proof", "proved_at", "started", "last_seen", "expires", "ended", "ended_why")

func scanSession(scan func(...any) error) (countersign.Session, error) {
	var s countersign.Session
	var ip string
	var proved, started, seen, expires, ended int64
	err := scan(&s.ID, &s.User, &s.Device, &s.Browser, &ip, &s.Client.Browser, &s.Client.OS, &s.Client.Product,
		&s.Proof, &proved, &started, &seen, &expires, &ended, &s.EndedWhy)
	s.Client.IP = address(ip)
	s.ProvedAt, s.Started, s.LastSeen = instant(proved), instant(started), instant(seen)
	s.Expires, s.Ended = instant(expires), instant(ended)
	return s, err
}

// Session returns the session with this ID, ended or not.
func (tx *Tx) Session(ctx context.Context, id countersign.SessionID) (countersign.Session, error) {
	s, err := scanSession(tx.sql.QueryRowContext(ctx,
		`SELECT `+sessionColumns+` FROM session WHERE agency_id = $1 AND id = $2`, tx.agency, id).Scan)
	return s, notFound(err, "session.unknown")
}

// Sessions returns the live sessions of a user, the most recently used first, without those
// last used before idleSince.
func (tx *Tx) Sessions(ctx context.Context, user countersign.UserID, now, idleSince time.Time) ([]countersign.Session, error) {
	return list(ctx, tx.sql, scanSession, `
		SELECT `+sessionColumns+` FROM session
		WHERE agency_id = $1 AND user_id = $2 AND ended = 0 AND expires > $3 AND last_seen > $4
		ORDER BY last_seen DESC, id`, tx.agency, user, millis(now), millis(idleSince))
}

// AddSession adds a new session.
func (tx *Tx) AddSession(ctx context.Context, s countersign.Session) error {
	_, err := tx.exec(ctx, `
		INSERT INTO session (agency_id, id, user_id, device_id, ip, family, os, product, proof, proved_at, started, last_seen, expires, ended, ended_why,
			browser_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, 0, '', $13)`,
		tx.agency, s.ID, s.User, s.Device, addressText(s.Client.IP), s.Client.Browser, s.Client.OS, s.Client.Product,
		s.Proof, millis(s.ProvedAt), millis(s.Started), millis(s.Expires), s.Browser)
	return err
}

// TouchSession saves when a session was last used.
func (tx *Tx) TouchSession(ctx context.Context, id countersign.SessionID, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE session SET last_seen = $3 WHERE agency_id = $1 AND id = $2 AND ended = 0 AND last_seen < $3`,
		tx.agency, id, millis(now))
	return err
}

// RenewSession saves a new ID for a session, and the kind and time of its last proof, after a
// step-up (SE-01). It reports false if the session has ended.
func (tx *Tx) RenewSession(ctx context.Context, id, renewed countersign.SessionID, proof countersign.Proof, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `
		UPDATE session SET id = $3, proof = $4, proved_at = $5, last_seen = $5 WHERE agency_id = $1 AND id = $2 AND ended = 0`,
		tx.agency, id, renewed, proof, millis(now))
	return n == 1, err
}

// MoveSessionAttempts moves the attempts of a session to its new ID.
func (tx *Tx) MoveSessionAttempts(ctx context.Context, id, renewed countersign.SessionID) error {
	_, err := tx.exec(ctx, `UPDATE attempt SET session_id = $3 WHERE agency_id = $1 AND session_id = $2`, tx.agency, id, renewed)
	return err
}

// EndSession ends one session of a user and removes the attempts started from it. It reports
// whether the session was live.
func (tx *Tx) EndSession(ctx context.Context, user countersign.UserID, id countersign.SessionID, why string, now time.Time) (bool, error) {
	if id == "" {
		return false, nil // attempts without a session are the sign-ins
	}
	if _, err := tx.exec(ctx, `DELETE FROM attempt WHERE agency_id = $1 AND user_id = $2 AND session_id = $3`, tx.agency, user, id); err != nil {
		return false, err
	}
	n, err := tx.exec(ctx, `UPDATE session SET ended = $4, ended_why = $5 WHERE agency_id = $1 AND user_id = $2 AND id = $3 AND ended = 0`,
		tx.agency, user, id, millis(now), why)
	return n == 1, err
}

// EndSessions ends all live sessions of a user other than except (empty: all) and returns
// how many.
func (tx *Tx) EndSessions(ctx context.Context, user countersign.UserID, except countersign.SessionID, why string, now time.Time) (int, error) {
	n, err := tx.exec(ctx, `UPDATE session SET ended = $4, ended_why = $5 WHERE agency_id = $1 AND user_id = $2 AND id <> $3 AND ended = 0`,
		tx.agency, user, except, millis(now), why)
	return int(n), err
}

// EndAllSessions ends all live sessions of the agency other than except, and returns how many.
func (tx *Tx) EndAllSessions(ctx context.Context, except countersign.SessionID, why string, now time.Time) (int, error) {
	n, err := tx.exec(ctx, `UPDATE session SET ended = $3, ended_why = $4 WHERE agency_id = $1 AND id <> $2 AND ended = 0`,
		tx.agency, except, millis(now), why)
	return int(n), err
}

// EndSessionsSince ends the live sessions of a user that began at since or later.
func (tx *Tx) EndSessionsSince(ctx context.Context, user countersign.UserID, since time.Time, why string, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE session SET ended = $4, ended_why = $5 WHERE agency_id = $1 AND user_id = $2 AND started >= $3 AND ended = 0`,
		tx.agency, user, millis(since), millis(now), why)
	return err
}

// PruneSessions removes the sessions, of all agencies, that expired before the given time, and
// the changes recorded before then.
func (db *DB) PruneSessions(ctx context.Context, before time.Time) error {
	_, err := db.execInAllAgencies(ctx, `DELETE FROM session WHERE expires < $1`, millis(before))
	if err == nil {
		_, err = db.execInAllAgencies(ctx, `DELETE FROM session_change WHERE at < $1`, millis(before))
	}
	return err
}
