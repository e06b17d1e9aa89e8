package store

import (
	"context"
	"database/sql"

	"countersign"
)

// Queues returns the lengths of the queues of waiting and claimed messages, of all agencies. A
// channel without any has no entry.
func (db *DB) Queues(ctx context.Context) (all []countersign.Queue, err error) {
	err = db.inAllAgencies(ctx, db.read, func(t *sql.Tx) (err error) {
		all, err = list(ctx, t, scanQueue, `
			SELECT channel, urgent, COUNT(*), MIN(created) FROM message WHERE state IN ('waiting', 'sending')
			GROUP BY channel, urgent ORDER BY channel, urgent`)
		return err
	})
	return all, err
}

func scanQueue(scan func(...any) error) (q countersign.Queue, err error) {
	var since int64
	err = scan(&q.Channel, &q.Urgent, &q.Length, &since)
	q.Since = instant(since)
	return q, err
}
