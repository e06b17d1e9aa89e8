package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/pgtest"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// tenantTables returns the tables that have an agency_id in the migrations.
func tenantTables(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range createTable.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[2], "agency_id") {
				tables = append(tables, m[1])
			}
		}
	}
	if len(tables) < 14 {
		t.Fatalf("only %v were found in the migrations", tables)
	}
	return tables
}

var createTable = regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\);`)

// TN-01: on PostgreSQL a statement that forgets the agency neither sees nor changes rows of
// another one, in each table, and can't add a row to it.
func TestSecondWall(t *testing.T) {
	p := open(t, pgtest.DSN(t))
	err := p.db.In(t.Context(), p.ours, func(tx *store.Tx) error {
		for _, table := range append(tenantTables(t), "agency") {
			column := "agency_id"
			if table == "agency" {
				column = "id"
			}
			var all, others int
			row := tx.SQL().QueryRowContext(t.Context(), `SELECT count(*), count(*) FILTER (WHERE `+column+` <> $1) FROM `+table, p.ours)
			if err := row.Scan(&all, &others); err != nil {
				t.Fatalf("%s: %v", table, err)
			}
			if others != 0 {
				t.Errorf("%s shows %d rows of the other agency", table, others)
			}
			if all == 0 && slices.Contains([]string{"users", "preference", "event", "event_head", "agency", "agency_host", "user_right"}, table) {
				t.Errorf("%s hides the agency's own rows as well", table)
			}
		}
		for _, forgets := range []string{`UPDATE users SET name = 'X' WHERE id = 'decoy-user'`, `DELETE FROM event WHERE agency_id = 'decoy'`,
			`UPDATE event SET agency_id = 'ours', seq = 1000 WHERE agency_id = 'decoy'`} {
			result, err := tx.SQL().ExecContext(t.Context(), forgets)
			if err != nil {
				t.Fatal(err)
			}
			if n, _ := result.RowsAffected(); n != 0 {
				t.Errorf("%s changed %d rows", forgets, n)
			}
		}
		_, err := tx.SQL().ExecContext(t.Context(), `INSERT INTO user_group (agency_id, user_id, name) VALUES ('decoy', 'decoy-user', 'thieves')`)
		if err == nil || !strings.Contains(err.Error(), "row-level security") {
			t.Errorf("a row for the other agency was answered with %v", err)
		}
		return nil
	})
	if err == nil {
		t.Error("a transaction with a refused row was committed")
	}
}

// A transaction with the program's own role that sets no agency sees no rows: row-level
// security applies to the owner of the tables (FORCE), in each table.
func TestNoAgencyNoRows(t *testing.T) {
	p := open(t, pgtest.DSN(t))
	err := p.db.Read(t.Context(), "", func(tx *store.Tx) error {
		for _, table := range append(tenantTables(t), "agency") {
			var n int
			if err := tx.SQL().QueryRowContext(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil || n != 0 {
				t.Errorf("%s shows %d rows: %v", table, n, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if p.db.WithoutRLS() {
		t.Error("the role of the tests bypasses row-level security")
	}
	if all, err := p.db.Agencies(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("the list of agencies is %v: %v", all, err)
	}
	if err := p.db.In(t.Context(), "*", func(*store.Tx) error { return nil }); err == nil {
		t.Error("a transaction was opened for all agencies")
	}
}

// A role that bypasses row-level security is detected, so that the operator can be warned.
func TestARoleThatPassesTheWallIsNoticed(t *testing.T) {
	master, err := secret.NewMaster()
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), pgtest.Superuser(t, pgtest.DSN(t)), master.Box())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if !db.WithoutRLS() {
		t.Error("a superuser was not noticed")
	}
}

// Row-level security covers a table of a later version as soon as a node has started.
func TestLaterTablesStandBehindTheWall(t *testing.T) {
	dsn := pgtest.DSN(t)
	master, err := secret.NewMaster()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	if _, err := raw.ExecContext(t.Context(), `CREATE TABLE novelty (agency_id TEXT); INSERT INTO novelty VALUES ('decoy')`); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second start finds it enabled
		db, err := store.Open(t.Context(), dsn, master.Box())
		if err != nil {
			t.Fatal(err)
		}
		err = db.Read(t.Context(), countersign.AgencyID("ours"), func(tx *store.Tx) error {
			var n int
			err := tx.SQL().QueryRowContext(t.Context(), `SELECT count(*) FROM novelty`).Scan(&n)
			if n != 0 {
				t.Errorf("the new table shows %d rows of another agency", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
