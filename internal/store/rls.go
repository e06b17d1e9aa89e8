package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"countersign"
)

// Row-level security is the second separation between agencies, on PostgreSQL (TN-01). Each
// transaction sets its agency, and the database shows it no other rows, whatever a statement
// forgets. The first separation is the agency in every statement; SQLite has only that one.

// allAgencies is the agency that a transaction sets to see all agencies: a background loop of
// the service, a migration, the list of agencies. No agency has this ID.
const allAgencies = "*"

// setting is the database setting that holds the transaction's agency.
const setting = "countersign.agency"

// begin begins a transaction that sees the rows of one agency, or of allAgencies. On
// PostgreSQL it also overrides what the role, the database or a pooler may have set: the
// search path, row-level security, and how long the server keeps working when the node has
// given up or died. Each setting ends with its transaction, so that a pooler passes none on to
// another client.
func (db *DB) begin(ctx context.Context, pool *sql.DB, agency countersign.AgencyID, options *sql.TxOptions) (*sql.Tx, error) {
	if db.rls && options == nil {
		options = &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	}
	t, err := pool.BeginTx(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	var mark []byte // what the key of the installation is sealed with
	if !db.rls {
		if pool == db.write {
			err = t.QueryRowContext(ctx, `SELECT SUBSTR(value, 1, 4) FROM installation WHERE name = 'key'`).Scan(&mark)
		}
		return db.current(t, mark, err)
	}
	timeLimit := serverTimeout
	if options.ReadOnly { // reads a whole log, at the speed of its reader
		timeLimit = longTimeout
	}
	var set [6]string
	err = t.QueryRowContext(ctx, `
		SELECT set_config($1, $2, TRUE), set_config('search_path', $3, TRUE), set_config('row_security', 'on', TRUE),
			set_config('statement_timeout', $4, TRUE), set_config('idle_in_transaction_session_timeout', $4, TRUE), set_config('lock_timeout', '0', TRUE),
			(SELECT SUBSTR(value, 1, 4) FROM `+pgx.Identifier{db.schema, "installation"}.Sanitize()+` WHERE name = 'key')`,
		setting, string(agency), db.schema, strconv.FormatInt(timeLimit.Milliseconds(), 10)).Scan(&set[0], &set[1], &set[2], &set[3], &set[4], &set[5], &mark)
	if err != nil {
		err = fmt.Errorf("set agency for row-level security: %w", err)
	}
	return db.current(t, mark, err)
}

// ErrOldKey is the error of a transaction on a node that would seal with a retired key. It is
// over once the node has read the key file again.
var ErrOldKey = errors.New("the master key was rotated, and this node has not read its file yet")

// current returns t if this node seals with a current key: mark begins the sealed key of the
// installation. A node that was stopped during a rotation, such as a paused virtual machine,
// gets an error until it has read the key file again, which takes a second (KY-03).
func (db *DB) current(t *sql.Tx, mark []byte, err error) (*sql.Tx, error) {
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return nil, errors.Join(err, t.Rollback())
	case db.box.Behind(mark):
		return nil, errors.Join(&countersign.Error{Kind: countersign.KindUnavailable, Code: "busy", Err: ErrOldKey}, t.Rollback())
	default:
		return t, nil
	}
}

// serverTimeout is how long the server works on one statement, or waits for the next one,
// before it ends the transaction of a node that stopped responding.
const serverTimeout = time.Minute

// inAllAgencies runs f in a transaction on the rows of all agencies. It is the only way around
// row-level security, and only for methods of DB: whatever serves one person uses In or Read.
// It runs f again after a serialization failure or deadlock, as In does: two nodes that claim
// messages may block each other.
func (db *DB) inAllAgencies(ctx context.Context, pool *sql.DB, f func(*sql.Tx) error) error {
	const tries = 5
	ctx, cancel := withTimeout(ctx, timeout)
	defer cancel()
	for try := 1; ; try++ {
		err := db.runInAllAgencies(ctx, pool, f)
		if err == nil || try == tries || !isSerializationFailure(err) {
			return markUnavailable(ctx, err)
		}
	}
}

func (db *DB) runInAllAgencies(ctx context.Context, pool *sql.DB, f func(*sql.Tx) error) error {
	t, err := db.begin(ctx, pool, allAgencies, nil)
	if err != nil {
		return err
	}
	defer func() { _ = t.Rollback() }() // no-op after a commit
	if err := f(t); err != nil {
		return err
	}
	if err := t.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// execInAllAgencies runs one statement as inAllAgencies does and returns the number of rows
// affected.
func (db *DB) execInAllAgencies(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = db.inAllAgencies(ctx, db.write, func(t *sql.Tx) error {
		result, err := t.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		n, err = result.RowsAffected()
		return err
	})
	return n, err
}

// migrationPool returns a separate small pool for migrations, which see the rows of all agencies.
func migrationPool(ctx context.Context, config *pgxpool.Config, schema string) (*sql.DB, func(), error) {
	config = config.Copy()
	config.MaxConns = 2
	config.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, `SELECT set_config($1, $2, FALSE), set_config('search_path', $3, FALSE), set_config('row_security', 'on', FALSE),
			set_config('statement_timeout', '0', FALSE), set_config('lock_timeout', '0', FALSE)`, setting, allAgencies, schema)
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	work := stdlib.OpenDBFromPool(pool)
	return work, func() { _ = work.Close(); pool.Close() }, nil
}

// enableRLS turns on row-level security for every table whose rows belong to an agency, those
// of later migrations too, and for the agency table. FORCE is needed because the program owns
// its tables, and owners are exempt otherwise. It changes nothing where security is on
// already, and several nodes may run it at once.
const enableRLS = `
	DO $$
	DECLARE t RECORD;
	BEGIN
		PERFORM pg_advisory_xact_lock(hashtext('countersign fence'));
		FOR t IN
			SELECT c.oid::regclass AS name, a.attname AS agency
			FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
			WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND NOT c.relforcerowsecurity
			AND (a.attname = 'agency_id' OR c.relname = 'agency' AND a.attname = 'id')
		LOOP
			EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t.name);
			EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t.name);
			EXECUTE format('CREATE POLICY own_agency ON %s USING (%I = current_setting(%L, TRUE) OR current_setting(%L, TRUE) = %L)',
				t.name, t.agency, 'countersign.agency', 'countersign.agency', '*');
		END LOOP;
	END $$`

// bypassesRLS reports whether this role sees all rows regardless: a superuser, or a role with
// BYPASSRLS.
const bypassesRLS = `SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user`

// WithoutRLS reports whether the role of the database URL bypasses row-level security, which
// the log then says at startup. It is false on SQLite, which has none.
func (db *DB) WithoutRLS() bool { return db.noRLS }
