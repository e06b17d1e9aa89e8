package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"countersign/internal/secret"
)

//go:embed migrations/*.sql
var migrations embed.FS

// connections is the most that a node opens to PostgreSQL, unless pool_max_conns in the URL
// says otherwise. With fewer than leastConnections an agency's share could be less than one.
const (
	connections      = 16
	leastConnections = 4
)

// reserved returns how many connections are reserved for short work that concerns all agencies.
func reserved(connections int) int { return max(2, connections/4) }

// ErrNewer is returned by Open for a database that a newer version has migrated.
var ErrNewer = errors.New("the database was prepared by a newer version of countersign")

// ErrOtherKey is returned by Open for a database that was sealed with another master key.
var ErrOtherKey = errors.New("the database was sealed with another master key; put the right key file back")

// ErrUnfit is returned by Open for a database with unsuitable settings.
var ErrUnfit = errors.New("this database can't be used")

// Open opens the database at url, "sqlite:FILE" or "postgres://…", and migrates its schema;
// several nodes may do so at once. box seals and opens the secrets in it.
func Open(ctx context.Context, url string, box *secret.Box, options ...Option) (*DB, error) {
	db := &DB{box: box, through: func(c driver.Connector) driver.Connector { return c }}
	for _, option := range options {
		option(db)
	}
	prepare := db.openPostgres
	if strings.HasPrefix(url, "sqlite:") {
		prepare = db.openSQLite
	}
	err := prepare(ctx, url)
	if err == nil {
		err = db.openInstallation(ctx)
	}
	if err == nil {
		err = db.sealPasswords(ctx)
	}
	if err == nil {
		err = db.foldMissing(ctx)
	}
	if err != nil {
		return nil, errors.Join(plainError(err), db.closeOpened())
	}
	return db, nil
}

// An Option changes what Open does.
type Option func(*DB)

// Through wraps the engine's connector. Tests use it to make calls fail one at a time.
func Through(wrap func(driver.Connector) driver.Connector) Option {
	return func(db *DB) { db.through = wrap }
}

func (db *DB) closeOpened() error {
	if db.write == nil || db.read == nil {
		return nil
	}
	return db.Close()
}

// applyMigrations checks the engine, refuses a newer schema and applies missing migrations.
func (db *DB) applyMigrations(ctx context.Context, provider *goose.Provider) error {
	if err := db.selfTest(ctx); err != nil {
		return err
	}
	have, want, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if have > want {
		return fmt.Errorf("%w: schema %d, this one knows %d", ErrNewer, have, want)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate the schema: %w", err)
	}
	return nil
}

// selfTest checks that the driver binds numbered placeholders by their number. Some bind by
// order of appearance and would silently mix up values.
func (db *DB) selfTest(ctx context.Context) error {
	var two, one string
	err := db.write.QueryRowContext(ctx, `SELECT CAST($2 AS TEXT), CAST($1 AS TEXT)`, "one", "two").Scan(&two, &one)
	if err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	if one != "one" || two != "two" {
		return errors.New("the database driver mixes up placeholders")
	}
	return nil
}

// openSQLite opens one writing connection and a pool of readers on a file that only its owner
// may read.
func (db *DB) openSQLite(ctx context.Context, address string) error {
	path, _, _ := strings.Cut(strings.TrimPrefix(address, "sqlite:"), "?")
	if err := createPrivate(path); err != nil {
		return err
	}
	const common = "_busy_timeout=10000&_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1"
	file := "file:" + (&url.URL{Path: path}).EscapedPath() // a folder's name may contain # and %
	db.write = sql.OpenDB(db.through(sqliteFile(file + "?_txlock=immediate&" + common)))
	db.write.SetMaxOpenConns(1)
	db.read = sql.OpenDB(db.through(sqliteFile(file + "?" + common)))
	db.read.SetMaxOpenConns(2 * runtime.GOMAXPROCS(0))
	db.writers, db.readers = newShares(db.write, 1), newShares(db.read, 2*runtime.GOMAXPROCS(0))
	if err := db.write.PingContext(ctx); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	schema, err := provider(goose.DialectSQLite3, db.write)
	if err != nil {
		return err
	}
	return db.applyMigrations(ctx, schema)
}

// A sqliteFile connects to the file that it names, with its settings.
type sqliteFile string

// Connect opens the file.
func (f sqliteFile) Connect(context.Context) (driver.Conn, error) { return f.Driver().Open(string(f)) }

// Driver returns the SQLite driver.
func (sqliteFile) Driver() driver.Driver { return sqlitePrefix }

// sqlitePrefix is the driver that the library registers.
var sqlitePrefix = func() driver.Driver {
	db, err := sql.Open("sqlite", "")
	if err != nil {
		panic(err) // cannot happen: the library registers its driver
	}
	return db.Driver()
}()

func createPrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// openPostgres opens the pool, and migrates the schema through another one that sees the
// rows of all agencies.
func (db *DB) openPostgres(ctx context.Context, url string) error {
	config, err := poolConfig(url)
	if err != nil {
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	db.write = sql.OpenDB(db.through(stdlib.GetPoolConnector(pool)))
	db.write.SetMaxIdleConns(0) // the pgx pool keeps them
	db.read, db.rls, db.closePool = db.write, true, pool.Close
	size := int(config.MaxConns)
	db.writers = newShares(db.write, size-reserved(size))
	db.readers = db.writers
	if err := db.write.PingContext(ctx); err != nil {
		return fmt.Errorf("reach the database: %w", causeOf(err))
	}
	if err := db.write.QueryRowContext(ctx, bypassesRLS).Scan(&db.noRLS); err != nil {
		return fmt.Errorf("read the role's privileges: %w", err)
	}
	if err := db.checkServer(ctx); err != nil {
		return err
	}
	return db.migrate(ctx, config)
}

// poolConfig returns the settings for PostgreSQL connections. It sets here what roles,
// databases and the environment could override and what connection poolers keep apart. begin
// sets the rest.
func poolConfig(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = connections
	}
	if config.MaxConns < leastConnections {
		return nil, fmt.Errorf("pool_max_conns is %d; a node needs %d connections at least", config.MaxConns, leastConnections)
	}
	config.ConnConfig.ConnectTimeout = 5 * time.Second
	for name, value := range map[string]string{"client_encoding": "UTF8", "standard_conforming_strings": "on", "TimeZone": "UTC"} {
		config.ConnConfig.RuntimeParams[name] = value
	}
	return config, nil
}

// checkServer refuses a database that can't store every character. It also finds the schema of
// the tables, existing or to be created: a schema created later and earlier in search_path
// must not hide them.
func (db *DB) checkServer(ctx context.Context) error {
	var encoding string
	var schema sql.NullString
	const where = `SELECT current_setting('server_encoding'), quote_ident(COALESCE(
		(SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass('installation')), current_schema()))`
	if err := db.write.QueryRowContext(ctx, where).Scan(&encoding, &schema); err != nil {
		return fmt.Errorf("read the settings of the database: %w", err)
	}
	if encoding != "UTF8" {
		return fmt.Errorf("%w: its encoding is %s; create one with: CREATE DATABASE countersign ENCODING 'UTF8' TEMPLATE template0", ErrUnfit, encoding)
	}
	if !schema.Valid {
		return fmt.Errorf("%w: no schema of search_path exists; create one, or set search_path for the role", ErrUnfit)
	}
	db.schema = schema.String
	return nil
}

// migrate migrates the schema and turns on row-level security for its tables.
func (db *DB) migrate(ctx context.Context, config *pgxpool.Config) error {
	work, done, err := migrationPool(ctx, config, db.schema)
	if err != nil {
		return err
	}
	defer done()
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	schema, err := provider(goose.DialectPostgres, work, goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	if err := db.applyMigrations(ctx, schema); err != nil {
		return err
	}
	if _, err := work.ExecContext(ctx, enableRLS); err != nil {
		return fmt.Errorf("enable row-level security: %w", err)
	}
	return nil
}

// causeOf returns what the server or the network reported, without the list of all
// addresses tried, which takes several lines.
func causeOf(err error) error {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return said
	}
	var network *net.OpError
	if errors.As(err, &network) {
		return network
	}
	return err
}

func provider(dialect goose.Dialect, db *sql.DB, options ...goose.ProviderOption) (*goose.Provider, error) {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	// A migration that is numbered below an applied one, but was added later, is applied
	// too. Otherwise such a database could not be opened.
	return goose.NewProvider(dialect, db, folder, append(options, goose.WithAllowOutofOrder(true))...)
}
