package store

import (
	"context"
	"errors"
	"time"

	"countersign"
)

// AddCheckpoint saves a signed statement of the end of the agency's audit log, if rows were
// written since the last one. sign fills in the signature.
func (tx *Tx) AddCheckpoint(ctx context.Context, now time.Time, sign func(countersign.Checkpoint) countersign.Checkpoint) error {
	seq, digest, err := tx.head(ctx)
	if err != nil || seq == 0 {
		return err
	}
	c := sign(countersign.Checkpoint{Agency: tx.agency, Seq: seq, Digest: digest, At: now.Truncate(time.Second)})
	_, err = tx.exec(ctx, `
		INSERT INTO checkpoint (agency_id, seq, digest, at, signature) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (agency_id, seq) DO NOTHING`,
		tx.agency, c.Seq, c.Digest, millis(c.At), c.Signature)
	return err
}

// Checkpoints returns the agency's checkpoints, oldest first.
func (tx *Tx) Checkpoints(ctx context.Context) ([]countersign.Checkpoint, error) {
	return list(ctx, tx.sql, func(scan func(...any) error) (countersign.Checkpoint, error) {
		c := countersign.Checkpoint{Agency: tx.agency}
		var at int64
		err := scan(&c.Seq, &c.Digest, &at, &c.Signature)
		c.At = instant(at)
		return c, err
	}, `SELECT seq, digest, at, signature FROM checkpoint WHERE agency_id = $1 ORDER BY seq`, tx.agency)
}

// CheckpointAll adds a checkpoint for each agency.
func (db *DB) CheckpointAll(ctx context.Context, now time.Time, sign func(countersign.Checkpoint) countersign.Checkpoint) error {
	all, err := db.Agencies(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, a := range all {
		failed = append(failed, db.In(ctx, a.ID, func(tx *Tx) error { return tx.AddCheckpoint(ctx, now, sign) }))
	}
	return errors.Join(failed...)
}
