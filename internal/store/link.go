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
