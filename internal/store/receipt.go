package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"countersign"
)

// saveReceipt saves the first receipt of a message. Only "delivered" replaces an earlier
// "undelivered".
const saveReceipt = `
	UPDATE message SET receipt = $4, receipt_at = $5
	WHERE agency_id = $1 AND route = $2 AND tag = $3 AND state = 'sent' AND (receipt = '' OR receipt = 'undelivered' AND $4 = 'delivered')`

// SaveReceipt saves what a gateway reported about a message of the agency. It reports false if
// no message has that tag on that route.
func (tx *Tx) SaveReceipt(ctx context.Context, route, tag string, r countersign.Receipt, at time.Time) (bool, error) {
	if tag == "" {
		return false, nil
	}
	if _, err := tx.exec(ctx, saveReceipt, tx.agency, route, tag, string(r), millis(at)); err != nil {
		return false, err
	}
	var n int
	err := tx.sql.QueryRowContext(ctx, `SELECT count(*) FROM message WHERE agency_id = $1 AND route = $2 AND tag = $3`, tx.agency, route, tag).Scan(&n)
	return n > 0, err
}

// SaveReceipt does the same for a connection that all agencies share.
func (db *DB) SaveReceipt(ctx context.Context, route, tag string, r countersign.Receipt, at time.Time) (bool, error) {
	var agency countersign.AgencyID
	err := db.inAllAgencies(ctx, db.read, func(t *sql.Tx) error {
		return t.QueryRowContext(ctx, `SELECT agency_id FROM message WHERE route = $1 AND tag = $2 AND tag <> ''`, route, tag).Scan(&agency)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	known := false
	err = db.In(ctx, agency, func(tx *Tx) (err error) {
		known, err = tx.SaveReceipt(ctx, route, tag, r, at)
		return err
	})
	return known, err
}
