package store

import (
	"context"
	"time"

	"countersign"
)

// AddLink keeps a new link; earlier ones of the same user and purpose die.
func (tx *Tx) AddLink(ctx context.Context, l countersign.Link) error {
	if _, err := tx.exec(ctx, `DELETE FROM link WHERE agency_id = $1 AND user_id = $2 AND purpose = $3`, tx.agency, l.User, l.Purpose); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `INSERT INTO link (agency_id, digest, user_id, purpose, created, expires, used) VALUES ($1, $2, $3, $4, $5, $6, 0)`,
		tx.agency, l.Digest, l.User, l.Purpose, millis(l.Created), millis(l.Expires))
	return err
}

// Link is the link with this digest, whether it still works or not.
func (tx *Tx) Link(ctx context.Context, digest string) (countersign.Link, error) {
	l := countersign.Link{Digest: digest}
	var created, expires, used int64
	err := tx.sql.QueryRowContext(ctx, `SELECT user_id, purpose, created, expires, used FROM link WHERE agency_id = $1 AND digest = $2`, tx.agency, digest).
		Scan(&l.User, &l.Purpose, &created, &expires, &used)
	l.Created, l.Expires, l.Used = instant(created), instant(expires), instant(used)
	return l, notFound(err, "link.over")
}

// UseLink uses up a link and reports false if it is over: of two that use it
// at the same instant only one succeeds.
func (tx *Tx) UseLink(ctx context.Context, digest string, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `UPDATE link SET used = $3 WHERE agency_id = $1 AND digest = $2 AND used = 0 AND expires > $3`,
		tx.agency, digest, millis(now))
	return n == 1, err
}

// AddSessionLink keeps a link by which a session may be disowned. The session
// keeps its digest, so that it is found again whatever its own ID becomes;
// links to other sessions live on.
func (tx *Tx) AddSessionLink(ctx context.Context, l countersign.Link, session countersign.SessionID) error {
	_, err := tx.exec(ctx, `INSERT INTO link (agency_id, digest, user_id, purpose, created, expires, used) VALUES ($1, $2, $3, $4, $5, $6, 0)`,
		tx.agency, l.Digest, l.User, l.Purpose, millis(l.Created), millis(l.Expires))
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE session SET link = $3 WHERE agency_id = $1 AND id = $2`, tx.agency, session, l.Digest)
	return err
}

// SessionOfLink is the session that a link disowns, ended or not.
func (tx *Tx) SessionOfLink(ctx context.Context, digest string) (countersign.Session, error) {
	s, err := scanSession(tx.sql.QueryRowContext(ctx,
		`SELECT `+sessionColumns+` FROM session WHERE agency_id = $1 AND link = $2`, tx.agency, digest).Scan)
	return s, notFound(err, "session.unknown")
}

// PruneLinks removes links that expired before then, of all agencies.
func (db *DB) PruneLinks(ctx context.Context, before time.Time) error {
	_, err := db.execInAllAgencies(ctx, `DELETE FROM link WHERE expires < $1`, millis(before))
	return err
}
