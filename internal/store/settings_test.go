package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"countersign"
	"countersign/internal/pgtest"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// superuser opens a test database without the store.
func superuser(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", pgtest.Superuser(t, dsn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func command(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// nameOf returns the name of the database in a connection string.
func nameOf(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

func master(t *testing.T) *secret.Box {
	t.Helper()
	m, err := secret.NewMaster()
	if err != nil {
		t.Fatal(err)
	}
	return m.Box()
}

// The session defaults of a database change nothing: the store sets each session's settings,
// in the simple query protocol too.
func TestOddSettingsOfTheDatabase(t *testing.T) {
	for _, mode := range []string{"cache_statement", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DSN(t)
			alter := "ALTER DATABASE " + nameOf(t, dsn) + " SET "
			command(t, superuser(t, dsn), alter+"client_encoding = 'LATIN1'", alter+"standard_conforming_strings = off", alter+"timezone = 'Asia/Kolkata'",
				alter+"row_security = off", alter+"lock_timeout = 1", alter+"idle_in_transaction_session_timeout = '10s'", alter+"default_transaction_isolation = 'serializable'",
				alter+"statement_timeout = '20s'")
			box := master(t)
			db, err := store.Open(t.Context(), dsn+"&default_query_exec_mode="+mode, box)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			a := countersign.Agency{ID: "a", Code: "A", Name: `Zoë \' Łódź 日本`, Created: noon}
			if err := db.AddAgency(t.Context(), a, func(*store.Tx) error { return nil }); err != nil {
				t.Fatal(err)
			}
			all, err := db.Agencies(t.Context())
			if err != nil || len(all) != 1 || all[0].Name != a.Name {
				t.Errorf("got %+v, %v", all, err)
			}
			want := map[string]string{"client_encoding": "UTF8", "standard_conforming_strings": "on", "TimeZone": "UTC", "row_security": "on", "lock_timeout": "0",
				"idle_in_transaction_session_timeout": "1min", "statement_timeout": "1min", "transaction_isolation": "read committed", "search_path": "public"}
			err = db.In(t.Context(), a.ID, func(tx *store.Tx) error {
				for name, value := range want {
					var got string
					if err := tx.SQL().QueryRow(`SELECT current_setting($1)`, name).Scan(&got); err != nil || got != value {
						t.Errorf("%s is %q, want %q (%v)", name, got, value, err)
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// A schema that comes before the tables in search_path hides them neither from a running node
// nor from a starting one.
func TestALaterSchemaHidesNothing(t *testing.T) {
	dsn, box := pgtest.DSN(t), master(t)
	db, err := store.Open(t.Context(), dsn, box)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.AddAgency(t.Context(), countersign.Agency{ID: "a", Code: "A", Name: "A", Created: noon}, func(*store.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	command(t, superuser(t, dsn), "CREATE SCHEMA countersign_tests AUTHORIZATION countersign_tests", "CREATE TABLE countersign_tests.agency (LIKE public.agency)",
		"ALTER TABLE countersign_tests.agency OWNER TO countersign_tests")
	if all, err := db.Agencies(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("a node that runs sees %v, %v", all, err)
	}
	again, err := store.Open(t.Context(), dsn, box)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	if all, err := again.Agencies(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("a node that starts sees %v, %v", all, err)
	}
}

// A database that can't store every character is refused with a clear error, and so is one
// without an existing schema in search_path.
func TestAnUnfitDatabaseIsRefused(t *testing.T) {
	dsn := pgtest.DSN(t)
	name := nameOf(t, dsn)
	other := name + "_ascii"
	su := superuser(t, dsn)
	command(t, su, "CREATE DATABASE "+other+" OWNER countersign_tests ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
		"ALTER DATABASE "+name+" SET search_path = nowhere")
	t.Cleanup(func() { command(t, su, "DROP DATABASE "+other+" WITH (FORCE)") })
	for url, want := range map[string]string{
		strings.Replace(dsn, name, other, 1): "its encoding is SQL_ASCII; create one with",
		dsn:                                  "no schema of search_path exists",
		dsn + "&pool_max_conns=3":            "a node needs 4 connections at least",
	} {
		db, err := store.Open(t.Context(), url, master(t))
		if err == nil {
			_ = db.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// A read-only server makes requests fail as temporarily unavailable, and a node on it is not
// ready.
func TestAServerThatOnlyReads(t *testing.T) {
	dsn := pgtest.DSN(t)
	p := open(t, dsn)
	if err := p.db.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	command(t, superuser(t, dsn), "ALTER DATABASE "+nameOf(t, dsn)+" SET default_transaction_read_only = on")
	pgtest.Cut(t, dsn) // new connections get the setting
	var err error
	for range 20 { // until the pool has noticed
		if err = p.db.In(t.Context(), p.ours, func(tx *store.Tx) error { return tx.SaveAgency(t.Context(), countersign.Agency{Code: "X"}) }); err != nil && strings.Contains(err.Error(), "only reads") {
			break
		}
	}
	if countersign.KindOf(err) != countersign.KindUnavailable || !strings.Contains(err.Error(), "only reads") {
		t.Errorf("got %v", err)
	}
	if err := p.db.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "only reads") {
		t.Errorf("ping says %v", err)
	}
}

// A SQLite file that another program has locked is reported as such at the start, and nothing
// waits for it forever.
func TestALockedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "locked.db")
	box := master(t)
	db, err := store.Open(t.Context(), "sqlite:"+path, box)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	other.SetMaxOpenConns(1)
	command(t, other, "PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE")
	if _, err := store.Open(t.Context(), "sqlite:"+path, box); err == nil || !strings.Contains(err.Error(), "another program has locked the database file") {
		t.Errorf("got %v", err)
	}
}

// TN-03: waiting for the database ends with the context, with an error that says to try again.
func TestWaitingForTheDatabaseEnds(t *testing.T) {
	each(t, func(p place) {
		held, release := make(chan struct{}), make(chan struct{})
		go func() {
			_ = p.db.In(context.Background(), p.ours, func(tx *store.Tx) error {
				_, err := tx.LockUser(context.Background(), p.user.ID)
				close(held)
				<-release
				return err
			})
		}()
		<-held
		defer close(release)
		ctx, cancel := context.WithTimeout(p.Context(), -1) // expired already
		defer cancel()
		err := p.db.In(ctx, p.ours, func(tx *store.Tx) error {
			_, err := tx.LockUser(ctx, p.user.ID)
			return err
		})
		if countersign.KindOf(err) != countersign.KindUnavailable {
			p.Errorf("got %v", err)
		}
	})
}

// After runs its function once, after the commit, and not after a rollback.
func TestAfterTheCommit(t *testing.T) {
	each(t, func(p place) {
		ran, undone := 0, errors.New("undone")
		for _, want := range []error{nil, undone} {
			err := p.db.In(p.Context(), p.ours, func(tx *store.Tx) error {
				tx.After(func() { ran++ })
				if ran != 0 && want == nil {
					return fmt.Errorf("it ran before the commit")
				}
				return want
			})
			if !errors.Is(err, want) {
				p.Errorf("got %v, want %v", err, want)
			}
		}
		if ran != 1 {
			p.Errorf("it ran %d times, want once", ran)
		}
	})
}

// KY-03: a transaction that began before a moment is counted until it has ended.
func TestOlderTransactionsAreCounted(t *testing.T) {
	p := open(t, pgtest.DSN(t))
	held, release, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- p.db.In(context.Background(), p.ours, func(*store.Tx) error {
			close(held)
			<-release
			return nil
		})
	}()
	<-held
	older := func() int {
		t.Helper()
		moment, err := p.db.Now(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n, err := p.db.OlderTransactions(t.Context(), moment)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := older(); n != 1 {
		t.Errorf("%d are older, want 1", n)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if n := older(); n != 0 {
		t.Errorf("%d are older, want none", n)
	}
}
