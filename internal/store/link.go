package store

import (
	"context"
	"time"

	"countersign"
)

// AddLink adds a link and removes earlier ones of the same user and purpose.
func (tx *Tx) AddLink(ctx context.Context, l countersign.Link) error {
	if _, err := tx.exec(ctx, `DELETE FROM link WHERE agency_id = $1 AND user_id = $2 AND purpose = $3`, tx.agency, l.User, l.Purpose); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `INSERT INTO link (agency_id, digest, user_id, purpose, created, expires, used) VALUES ($1, $2, $3, $4, $5, $6, 0)`,
		tx.agency, l.Digest, l.User, l.Purpose, millis(l.Created), millis(l.Expires))
	return err
}

// Link returns the link with this digest, valid or not.
func (tx *Tx) Link(ctx context.Context, digest string) (countersign.Link, error) {
	l := countersign.Link{Digest: digest}
	var created, expires, used int64
	err := tx.sql.QueryRowContext(ctx, `SELECT user_id, purpose, created, expires, used FROM link WHERE agency_id = $1 AND digest = $2`, tx.agency, digest).
		Scan(&l.User, &l.Purpose, &created, &expires, &used)
	l.Created, l.Expires, l.Used = instant(created), instant(expires), instant(used)
	return l, notFound(err, "link.over")
}

// UseLink uses up a link. It reports false if the link is expired or used; of two simultaneous
// uses only one succeeds.
func (tx *Tx) UseLink(ctx context.Context, digest string, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `UPDATE link SET used = $3 WHERE agency_id = $1 AND digest = $2 AND used = 0 AND expires > $3`,
		tx.agency, digest, millis(now))
	return n == 1, err
}

// AddSessionLink adds a link that lets the user report a session as not theirs. The session
// keeps the link's digest, so that it is found even after its ID changes. Links of other
// sessions stay valid.
func (tx *Tx) AddSessionLink(ctx context.Context, l countersign.Link, session countersign.SessionID) error {
	_, err := tx.exec(ctx, `INSERT INTO link (agency_id, digest, user_id, purpose, created, expires, used) VALUES ($1, $2, $3, $4, $5, $6, 0)`,
		tx.agency, l.Digest, l.User, l.Purpose, millis(l.Created), millis(l.Expires))
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE session SET link = $3 WHERE agency_id = $1 AND id = $2`, tx.agency, session, l.Digest)
	return err
}

// SessionOfLink returns the session that a link reports, ended or not.
func (tx *Tx) SessionOfLink(ctx context.Context, digest string) (countersign.Session, error) {
	s, err := scanSession(tx.sql.QueryRowContext(ctx,
		`SELECT `+sessionColumns+` FROM session WHERE agency_id = $1 AND link = $2`, tx.agency, digest).Scan)
	return s, notFound(err, "session.unknown")
}

// PruneLinks removes links of all agencies that expired before the given time.
func (db *DB) PruneLinks(ctx context.Context, before time.Time) error {
	_, err := db.execInAllAgencies(ctx, `DELETE FROM link WHERE expires < $1`, millis(before))
	return err
}
