// Package pgtest gives tests empty PostgreSQL databases. The first test that needs one starts
// a temporary server, which ends with the process. The environment variable
// COUNTERSIGN_TEST_POSTGRES may name a server to use instead; `make test` starts one for all
// packages that way.
package pgtest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"countersign/internal/childproc"
)

// Variable is the environment variable that names a server to use: the connection string of a
// database from which databases can be created.
const Variable = "COUNTERSIGN_TEST_POSTGRES"

// DSN creates an empty database and returns its connection string. The database is dropped
// when the test is over. It belongs to a role that is not a superuser, as in an installation,
// so that row-level security applies.
func DSN(t testing.TB) string {
	t.Helper()
	name := newName()
	create(t, name, "template1") // the server's own, empty one
	return address(t, name)
}

// Template returns the connection string of a new copy of a database that migrate prepared.
// migrate runs once per process and name, and must leave no connection open. A copy takes some
// 30 ms and is dropped when the test is over.
func Template(t testing.TB, name string, migrate func(dsn string) error) string {
	t.Helper()
	prepare, _ := templates.LoadOrStore(name, sync.OnceValues(func() (string, error) {
		return makeTemplate(migrate)
	}))
	template, err := prepare.(func() (string, error))()
	if err != nil {
		t.Fatalf("prepare the database template %s: %v", name, err)
	}
	copied := newName()
	create(t, copied, template)
	return address(t, copied)
}

// templates maps each name to the function that makes its template.
var templates sync.Map

func makeTemplate(migrate func(dsn string) error) (string, error) {
	name := newName()
	if err := command("CREATE DATABASE " + name + " OWNER " + role); err != nil {
		return "", err
	}
	s, err := server()
	if err != nil {
		return "", err
	}
	if err := migrate(s.database(name)); err != nil {
		return "", err
	}
	// No one may connect to it from now on: copying fails while there are connections.
	return name, command("ALTER DATABASE " + name + " WITH is_template true allow_connections false")
}

// create creates the database name as a copy of template, and drops it when the test is over.
// Copying files takes the server half the time of writing a log.
func create(t testing.TB, name, template string) {
	t.Helper()
	if err := command("CREATE DATABASE " + name + " OWNER " + role + " STRATEGY file_copy TEMPLATE " + template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := command("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
}

// InLocale does what DSN does, for a database that folds and sorts texts by an ICU locale,
// such as tr-TR.
func InLocale(t testing.TB, locale string) string {
	t.Helper()
	name := newName()
	create(t, name, "template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE '"+locale+"'")
	return address(t, name)
}

// newName returns a name that no other process on the same server uses. It does not use
// crypto/rand, which a test may have made predictable.
func newName() string { return fmt.Sprintf("cs_%016x", rand.Uint64()) }

func address(t testing.TB, name string) string {
	t.Helper()
	s, err := server()
	if err != nil {
		t.Fatal(err)
	}
	return s.database(name)
}

// database returns the connection string of another database on the server.
func (s running) database(name string) string {
	u, err := url.Parse(s.dsn)
	if err != nil {
		return s.dsn // cannot happen: it was parsed at the start
	}
	u.Path, u.User = "/"+name, url.UserPassword(role, role)
	return u.String()
}

// Superuser returns the connection string of the same database for the server's superuser, who
// bypasses row-level security.
func Superuser(t testing.TB, dsn string) string {
	t.Helper()
	s, err := server()
	if err != nil {
		t.Fatal(err)
	}
	su, err := url.Parse(s.dsn)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	su.Path = u.Path
	return su.String()
}

// role owns the databases of tests; its password is its name.
const role = "countersign_tests"

// addRole creates the role, unless another process has.
const addRole = `
	DO $$ BEGIN
		CREATE ROLE countersign_tests LOGIN NOSUPERUSER PASSWORD 'countersign_tests';
	EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
	END $$`

// command runs one statement in the server's default database.
func command(statement string) error {
	s, err := server()
	if err != nil {
		return err
	}
	return s.command(statement)
}

func (s running) command(statement string) error {
	ctx := context.Background() // a test's own context has ended when its databases are dropped
	c, err := pgx.Connect(ctx, s.dsn)
	if err != nil {
		return fmt.Errorf("reach the PostgreSQL of the tests: %w", err)
	}
	_, err = c.Exec(ctx, statement)
	return errors.Join(err, c.Close(ctx))
}

// running is a running server: its connection string, and the Guard that keeps it running.
type running struct {
	dsn   string
	guard *childproc.Guard // nil: the server is not ours
}

// server returns the server of this process. It is started at first use and ends with the
// process.
var server = sync.OnceValues(func() (running, error) {
	s := running{dsn: os.Getenv(Variable)}
	if _, err := url.Parse(s.dsn); err != nil {
		return s, err
	}
	if s.dsn == "" {
		var err error
		if s.guard, s.dsn, err = childproc.Run(script); err != nil {
			return running{}, fmt.Errorf("start PostgreSQL: %w", err)
		}
	}
	return s, s.command(addRole)
})

//go:embed server.sh
var script string
