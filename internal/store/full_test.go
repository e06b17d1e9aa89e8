package store_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/ops"
	"countersign/internal/pgtest"
	"countersign/internal/store"
)

// A full disk is reported as such, the transaction is rolled back, and the node is not ready
// until a write succeeds again. SQLite gets no further pages, which it reports like a full
// disk; PostgreSQL raises the error of a full disk.
func TestAFullDisk(t *testing.T) {
	full := map[string]func(p place) (free func()){
		"SQLite": func(p place) func() {
			pages := func(n string) {
				p.Helper()
				if err := p.pragma("PRAGMA max_page_count = " + n); err != nil {
					p.Fatal(err)
				}
			}
			pages("1") // the minimum is the current size
			return func() { pages("1000000") }
		},
	}
	dsn := pgtest.DSN(t)
	full["PostgreSQL"] = func(p place) func() {
		su := superuser(t, dsn)
		command(t, su, `CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$`,
			`CREATE TRIGGER no_space BEFORE UPDATE ON agency FOR EACH ROW EXECUTE FUNCTION no_space()`)
		return func() { command(t, su, `DROP TRIGGER no_space ON agency`) }
	}
	urls := map[string]string{"SQLite": "sqlite:" + t.TempDir() + "/full.db", "PostgreSQL": dsn}
	for engine, fill := range full {
		t.Run(engine, func(t *testing.T) {
			p := open(t, urls[engine])
			readyz := func(status int, says string) {
				t.Helper()
				w := httptest.NewRecorder()
				ops.Server{Ping: p.db.Ping}.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
				if w.Code != status || !strings.Contains(w.Body.String(), says) {
					t.Errorf("/readyz says %d %s, want %d %s", w.Code, w.Body, status, says)
				}
			}
			save := func(name string) error {
				return p.db.In(t.Context(), p.ours, func(tx *store.Tx) error {
					return tx.SaveAgency(t.Context(), countersign.Agency{Code: "OURS", Name: name})
				})
			}
			readyz(http.StatusOK, "ready")
			free := fill(p)
			err := save(strings.Repeat("too long ", 1<<17))
			if countersign.KindOf(err) != countersign.KindUnavailable || !strings.Contains(err.Error(), "the disk of the database is full; free some space on it") {
				t.Errorf("got %v", err)
			}
			readyz(http.StatusServiceUnavailable, "the disk of the database is full")
			if a, err := p.db.Agency(t.Context(), p.ours); err != nil || strings.HasPrefix(a.Name, "too long") {
				t.Errorf("it was kept, or nothing can be read: %.20q %v", a.Name, err)
			}
			free()
			if err := save("Ours"); err != nil {
				t.Errorf("there is space again: %v", err)
			}
			readyz(http.StatusOK, "ready")
		})
	}
}

// pragma runs a statement on the connection that writes.
func (p place) pragma(statement string) error {
	return p.db.In(context.Background(), p.ours, func(tx *store.Tx) error {
		_, err := tx.SQL().ExecContext(context.Background(), statement)
		return err
	})
}
