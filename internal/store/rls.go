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

// The second wall around agencies, on PostgreSQL (TN-01): row-level security.
// Each transaction says which agency it belongs to, and the database shows it
// no other rows, whatever a statement forgets. The first wall is the agency in
// every statement; SQLite has that one only.

// allAgencies is what a transaction says that works for all agencies: a loop of
// the service, a migration, the list of agencies. No agency has this ID.
const allAgencies = "*"

// setting is the setting of the database that holds the transaction's agency.
const setting = "countersign.agency"

// begin begins a transaction that sees the rows of one agency, or of everyone.
// On PostgreSQL it sets with that what the role, the database or a pooler may have
// set otherwise: where the tables are, that rows are hidden by the wall, and how
// long the server works on when the node has given up or is gone. Each setting
// ends with its transaction, so that a pooler carries none to somebody else.
func (db *DB) begin(ctx context.Context, pool *sql.DB, agency countersign.AgencyID, options *sql.TxOptions) (*sql.Tx, error) {
	if db.rls && options == nil {
		options = &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	}
	t, err := pool.BeginTx(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	if !db.rls {
		return t, nil
	}
	patience := serverTimeout
	if options.ReadOnly { // a whole log, as fast as somebody reads it
		patience = longTimeout
	}
	_, err = t.ExecContext(ctx, `
		SELECT set_config($1, $2, TRUE), set_config('search_path', $3, TRUE), set_config('row_security', 'on', TRUE),
			set_config('statement_timeout', $4, TRUE), set_config('idle_in_transaction_session_timeout', $4, TRUE), set_config('lock_timeout', '0', TRUE)`,
		setting, string(agency), db.schema, strconv.FormatInt(patience.Milliseconds(), 10))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("say which agency: %w", err), t.Rollback())
	}
	return t, nil
}

// serverTimeout is how long the server works on one statement, or waits for the
// next one, before it ends the transaction of a node that has gone silent.
const serverTimeout = time.Minute

// inAllAgencies runs f in a transaction on the rows of all agencies. It is the
// only way around the wall, and for methods of DB only: whatever serves one
// person goes through In or Read. As there, f is run again where PostgreSQL
// chose it to give way: two nodes that claim messages may wait for each other.
func (db *DB) inAllAgencies(ctx context.Context, pool *sql.DB, f func(*sql.Tx) error) error {
	const tries = 5
	ctx, cancel := inTime(ctx, timeout)
	defer cancel()
	for try := 1; ; try++ {
		err := db.runInAllAgencies(ctx, pool, f)
		if err == nil || try == tries || !isSerializationFailure(err) {
			return connect(ctx, err)
		}
	}
}

func (db *DB) runInAllAgencies(ctx context.Context, pool *sql.DB, f func(*sql.Tx) error) error {
	t, err := db.begin(ctx, pool, allAgencies, nil)
	if err != nil {
		return err
	}
	defer func() { _ = t.Rollback() }() // after a commit it does nothing
	if err := f(t); err != nil {
		return err
	}
	if err := t.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// execInAllAgencies is everywhere for one statement; it returns how many rows it touched.
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

// builder is a small pool of its own for the schema: what it does counts for
// all agencies, statements of migrations too.
func builder(ctx context.Context, config *pgxpool.Config, schema string) (*sql.DB, func(), error) {
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

// enableRLS puts the wall around every table whose rows belong to an agency, those
// of later migrations as well, and around the agencies themselves. FORCE, since
// the program owns its tables, and an owner passes otherwise. It changes
// nothing where the wall stands, and many nodes may do it at once.
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

// bypassesRLS tells whether the database lets this role see all rows anyway:
// a superuser, or one with BYPASSRLS.
const bypassesRLS = `SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user`

// WithoutRLS tells whether the role of the database URL passes the second wall
// between agencies; the operator is told so at the start. SQLite has no such wall.
func (db *DB) WithoutRLS() bool { return db.noRLS }
