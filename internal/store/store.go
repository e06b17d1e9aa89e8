// Package store reads and writes the database: all SQL, the same text for SQLite and
// PostgreSQL, one file per kind of record.
//
// A transaction belongs to one agency: a Tx is opened for it, and each statement names it.
// Without a Tx there is no access to an agency's rows. Reads that decide something are
// written as UPDATE … RETURNING or follow LockUser, so that two nodes never decide from
// the same data.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"countersign"
	"countersign/internal/secret"
)

// A DB is the database of an installation, on either engine.
type DB struct {
	write *sql.DB
	read  *sql.DB // SQLite: a pool of readers; PostgreSQL: the same pool

	writers *shares // of the connections of write
	readers *shares // of the connections of read
	turns   turns   // PostgreSQL

	box *secret.Box
	key secret.Key

	through   func(driver.Connector) driver.Connector // wraps every connector
	closePool func()                                  // PostgreSQL: closes the pgx pool

	rls    bool   // PostgreSQL: row-level security; transactions set their agency
	noRLS  bool   // PostgreSQL: the role bypasses row-level security
	schema string // PostgreSQL: schema of the tables

	full atomic.Bool // the last write found the disk full
}

// A Tx is one transaction on the rows of one agency.
type Tx struct {
	sql    *sql.Tx
	db     *DB
	agency countersign.AgencyID
	events []countersign.Event
	after  []func()
	line   *waitingLine // nil: LockUser waits at the user's row
}

// Agency returns the agency whose rows the transaction sees.
func (tx *Tx) Agency() countersign.AgencyID { return tx.agency }

// In runs f in a transaction that reads and writes. If f or the commit fails, nothing is
// changed. On PostgreSQL f runs again after a serialization failure, or after waiting for its
// turn, so f must change nothing but the database.
func (db *DB) In(ctx context.Context, agency countersign.AgencyID, f func(*Tx) error) error {
	const tries = 5
	ctx, cancel := withTimeout(ctx, timeout)
	defer cancel()
	w := work{agency: agency}
	if db.rls {
		w.line = &waitingLine{turns: &db.turns}
		defer w.line.leave()
	}
	for try := 1; ; {
		err := db.run(ctx, db.writers, w, f)
		db.recordDiskSpace(err)
		switch {
		case w.line.waits():
			if err := w.line.wait(ctx); err != nil {
				return markUnavailable(ctx, fmt.Errorf("wait for a connection: %w", err))
			}
		case err == nil || try == tries || !isSerializationFailure(err):
			return markUnavailable(ctx, err)
		default:
			try++
		}
	}
}

// Read runs f in a transaction that only reads.
func (db *DB) Read(ctx context.Context, agency countersign.AgencyID, f func(*Tx) error) error {
	ctx, cancel := withTimeout(ctx, timeout)
	defer cancel()
	return markUnavailable(ctx, db.run(ctx, db.readers, work{agency: agency}, f))
}

// snapshot does what Read does, for long reads that need one consistent snapshot.
func (db *DB) snapshot(ctx context.Context, agency countersign.AgencyID, f func(*Tx) error) error {
	ctx, cancel := withTimeout(ctx, longTimeout)
	defer cancel()
	w := work{agency: agency}
	if db.rls { // PostgreSQL; on SQLite each transaction is a snapshot
		w.options = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	return markUnavailable(ctx, db.run(ctx, db.readers, w, f))
}

// work describes a transaction.
type work struct {
	agency  countersign.AgencyID
	line    *waitingLine // nil: LockUser waits at the user's row
	options *sql.TxOptions
}

// run runs f in one transaction, on a connection of a pool.
func (db *DB) run(ctx context.Context, pool *shares, w work, f func(*Tx) error) error {
	if w.agency == allAgencies {
		return errors.New("a transaction belongs to one agency")
	}
	giveBack, err := pool.take(ctx, w.agency)
	if err != nil {
		return fmt.Errorf("wait for a connection: %w", err)
	}
	defer giveBack()
	t, err := db.begin(ctx, pool.db, w.agency, w.options)
	if err != nil {
		return err
	}
	defer func() { _ = t.Rollback() }() // no-op after a commit
	tx := &Tx{sql: t, db: db, agency: w.agency, line: w.line}
	if err := f(tx); err != nil {
		return err
	}
	if w.line.waits() {
		return errTurn
	}
	if err := tx.writeEvents(ctx); err != nil {
		return err
	}
	if err := t.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	for _, f := range tx.after {
		f()
	}
	return nil
}

// After runs f once the transaction is committed, for example to count or to signal. It does
// not run for a transaction that is rolled back or retried.
func (tx *Tx) After(f func()) { tx.after = append(tx.after, f) }

// Timeouts for contexts without a deadline: of one transaction, and of one that reads a whole
// log.
const (
	timeout     = 30 * time.Second
	longTimeout = time.Hour
)

// withTimeout adds a timeout to a context without a deadline, so that nothing waits forever
// (TN-03).
func withTimeout(ctx context.Context, longest time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, longest)
}

// Ping returns an error unless the database answers and accepts writes.
func (db *DB) Ping(ctx context.Context) error {
	if db.full.Load() {
		return errors.New("the disk of the database is full")
	}
	query := `SELECT count(*) FROM installation WHERE name <> $1`
	if db.rls {
		query = `SELECT CASE current_setting('transaction_read_only') WHEN 'on' THEN 0 ELSE 1 END WHERE $1 <> 'key'`
	}
	var n int
	if err := db.read.QueryRowContext(ctx, query, "").Scan(&n); err != nil {
		return plainError(err)
	}
	if n == 0 {
		return errors.New("the database server only reads, as a standby does")
	}
	return nil
}

// recordDiskSpace records whether the last write found the disk full. Each running node writes
// every few seconds, so free space is noticed soon.
func (db *DB) recordDiskSpace(err error) {
	if err == nil || isFull(err) {
		db.full.Store(err != nil)
	}
}

// Close closes all connections.
func (db *DB) Close() error {
	err := db.write.Close()
	if db.read != db.write {
		err = errors.Join(err, db.read.Close())
	}
	if db.closePool != nil {
		db.closePool()
	}
	return err
}

// isExist reports whether err is a violated unique index.
func isExist(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && (lite.Code() == 2067 || lite.Code() == 1555)
}

// isSerializationFailure reports whether PostgreSQL ended the transaction in favor of another
// one: a serialization failure or a deadlock. Nothing of it was committed.
func isSerializationFailure(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// notFound returns the error for a row that does not exist or belongs to another agency
// (TN-01).
func notFound(err error, code string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return &countersign.Error{Kind: countersign.KindNotFound, Code: code}
	}
	return err
}

// millis returns a time as it is stored, in milliseconds since 1970; 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// instant is the inverse of millis.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// address is the inverse of addressText.
func address(text string) netip.Addr {
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return countersign.CanonicalAddress(ip)
}

func addressText(ip netip.Addr) string {
	if !ip.IsValid() {
		return ""
	}
	return countersign.CanonicalAddress(ip).String()
}

// columns joins the columns of a table for SELECT and RETURNING.
func columns(names ...string) string { return strings.Join(names, ", ") }

// exec runs a statement and returns the number of rows affected.
func (tx *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := tx.sql.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// list returns all rows of a query.
func list[T any](ctx context.Context, t *sql.Tx, scan func(func(...any) error) (T, error), query string, args ...any) ([]T, error) {
	rows, err := t.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		one, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
