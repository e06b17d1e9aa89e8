package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"
)

// A Node is a running copy of the service, as it last reported itself.
type Node struct {
	ID      string
	Host    string
	Seen    time.Time
	Sealing string   // ID of the master key that it seals with
	Keys    []string // IDs of the master keys that it can open
}

// Has reports whether the node can open what this key sealed.
func (n Node) Has(key string) bool { return slices.Contains(n.Keys, key) }

// SaveNode saves what a node reports about itself and removes nodes that were not seen for a
// day.
func (db *DB) SaveNode(ctx context.Context, n Node) error {
	err := db.inAllAgencies(ctx, db.write, func(t *sql.Tx) error {
		_, err := t.ExecContext(ctx, `
			INSERT INTO node (id, host, seen, sealing, keys) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, sealing = excluded.sealing, keys = excluded.keys`,
			n.ID, n.Host, millis(n.Seen), n.Sealing, strings.Join(n.Keys, " "))
		if err != nil {
			return err
		}
		_, err = t.ExecContext(ctx, `DELETE FROM node WHERE seen < $1`, millis(n.Seen.Add(-24*time.Hour)))
		return err
	})
	db.recordDiskSpace(err)
	return err
}

// Now returns the time of the database server's clock; zero on SQLite.
func (db *DB) Now(ctx context.Context) (at time.Time, err error) {
	if !db.rls {
		return at, nil
	}
	err = db.inAllAgencies(ctx, db.read, func(t *sql.Tx) error {
		return t.QueryRowContext(ctx, `SELECT clock_timestamp()`).Scan(&at)
	})
	return at, err
}

// OlderTransactions counts the sessions of countersign whose running transaction began before
// moment. It is 0 on SQLite, where transactions write one at a time.
func (db *DB) OlderTransactions(ctx context.Context, moment time.Time) (n int, err error) {
	if !db.rls {
		return 0, nil
	}
	err = db.inAllAgencies(ctx, db.read, func(t *sql.Tx) error {
		return t.QueryRowContext(ctx, `
			SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid() AND xact_start < $1`, moment).Scan(&n)
	})
	return n, err
}

// EndNode removes a node that is stopping.
func (db *DB) EndNode(ctx context.Context, id string) error {
	_, err := db.execInAllAgencies(ctx, `DELETE FROM node WHERE id = $1`, id)
	return err
}

// Nodes returns the nodes that were seen since then.
func (db *DB) Nodes(ctx context.Context, since time.Time) (all []Node, err error) {
	err = db.inAllAgencies(ctx, db.read, func(t *sql.Tx) error {
		all, err = list(ctx, t, func(scan func(...any) error) (Node, error) {
			var n Node
			var seen int64
			var keys string
			err := scan(&n.ID, &n.Host, &seen, &n.Sealing, &keys)
			n.Seen, n.Keys = instant(seen), strings.Fields(keys)
			return n, err
		}, `SELECT id, host, seen, sealing, keys FROM node WHERE seen >= $1 ORDER BY host, id`, millis(since))
		return err
	})
	return all, err
}
