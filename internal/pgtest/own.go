package pgtest

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"countersign/internal/childproc"
)

// An Own server belongs to one test, which may stop it and start it again without losing
// committed data.
type Own struct {
	dir    string
	server running
}

// StartOwn starts a server, which ends with the test.
func StartOwn(t testing.TB) *Own {
	t.Helper()
	hold, dir, err := childproc.Dir()
	if err != nil {
		t.Fatal(err)
	}
	o := &Own{dir: dir}
	t.Cleanup(func() {
		o.Stop(t)
		if err := hold.Release(); err != nil {
			t.Error(err)
		}
	})
	o.Start(t)
	if err := o.server.command(addRole); err != nil {
		t.Fatal(err)
	}
	return o
}

// Start starts the server again after Stop, with its data. It does nothing if the server is
// running.
func (o *Own) Start(t testing.TB) {
	t.Helper()
	if o.server.guard != nil {
		return
	}
	var err error
	if o.server.guard, o.server.dsn, err = childproc.Run(script, o.dir); err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
}

// Stop stops the server at once and interrupts everything it is doing.
func (o *Own) Stop(t testing.TB) {
	t.Helper()
	if o.server.guard == nil {
		return
	}
	err := o.server.guard.Release()
	o.server.guard = nil
	if err != nil {
		t.Fatal(err)
	}
}

// DSN creates an empty database and returns its connection string.
func (o *Own) DSN(t testing.TB) string {
	t.Helper()
	name := newName()
	if err := o.server.command("CREATE DATABASE " + name + " OWNER " + role); err != nil {
		t.Fatal(err)
	}
	return o.server.database(name)
}

// Cut closes all connections to the server except its own, in the middle of what they do.
func (o *Own) Cut(t testing.TB) {
	t.Helper()
	if err := cut(context.Background(), o.server.dsn); err != nil {
		t.Fatal(err)
	}
}

// Cut closes all connections to the database at dsn, on the server that all tests share.
func Cut(t testing.TB, dsn string) {
	t.Helper()
	if err := cut(context.Background(), Superuser(t, dsn)); err != nil {
		t.Fatal(err)
	}
}

func cut(ctx context.Context, dsn string) error {
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	const end = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = $1
		AND (current_database() = 'postgres' OR datname = current_database())`
	var n int
	err = c.QueryRow(ctx, end, role).Scan(&n)
	return errors.Join(err, c.Close(ctx))
}
