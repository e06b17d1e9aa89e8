package apptest

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// A dump is every row of every table, by table.
type dump map[string][]string

// dumper reads the database without the store, as an auditor would, except the columns in without,
// each as "table.column".
func dumper(t *testing.T, h *App, without ...string) func() dump {
	t.Helper()
	driver, dsn := "pgx", h.URL
	tables := `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'`
	if file, ok := strings.CutPrefix(h.URL, "sqlite:"); ok {
		driver, dsn = "sqlite", "file:"+file+"?_busy_timeout=10000"
		tables = `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return func() dump {
		t.Helper()
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback() }()
		if driver == "pgx" { // bypasses row-level security
			if _, err := tx.Exec(`SELECT set_config('countersign.agency', '*', TRUE)`); err != nil {
				t.Fatal(err)
			}
		}
		all := dump{}
		for _, row := range rowsOf(t, tx, tables) {
			_, name, _ := strings.Cut(row, "=")
			if slices.Contains(without, name) {
				continue
			}
			all[name] = rowsOf(t, tx, `SELECT * FROM "`+name+`"`, without...)
		}
		for _, table := range without {
			delete(all, table)
		}
		if len(all["users"]) == 0 {
			t.Fatal("the dump holds no users: it would prove nothing")
		}
		return all
	}
}

// rowsOf returns every row that a query finds, as sorted text.
func rowsOf(t *testing.T, tx *sql.Tx, query string, without ...string) []string {
	t.Helper()
	rows, err := tx.Query(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(query, ` FROM "`)
	table = strings.TrimSuffix(table, `"`)
	var all []string
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var line []string
		for i, v := range values {
			if slices.Contains(without, table+"."+columns[i]) {
				continue
			}
			if b, ok := v.([]byte); ok {
				v = fmt.Sprintf("%x", b)
			}
			line = append(line, fmt.Sprint(columns[i], "=", v))
		}
		all = append(all, strings.Join(line, " | "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// changes names the tables that differ, except those in except.
func (before dump) changes(after dump, except ...string) []string {
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if !slices.Contains(except, name) && !slices.Equal(before[name], after[name]) {
			changed = append(changed, name)
		}
	}
	return changed
}

// differences returns the rows that differ, with the table of each.
func (before dump) differences(after dump) []string {
	var rows []string
	missing := func(sign string, from, in dump) {
		for _, name := range slices.Sorted(maps.Keys(from)) {
			for _, row := range from[name] {
				if !slices.Contains(in[name], row) {
					rows = append(rows, sign+" "+name+": "+row)
				}
			}
		}
	}
	missing("-", before, after)
	missing("+", after, before)
	return rows
}
