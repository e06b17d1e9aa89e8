package apptest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"countersign/internal/pgtest"
)

// Raw opens the database without the store, like an attacker who has stolen it or can change it: on
// PostgreSQL as the superuser, to whom row-level security does not apply.
func (h *App) Raw() *sql.DB {
	h.T.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.raw != nil {
		return h.raw
	}
	var db *sql.DB
	var err error
	if file, ok := strings.CutPrefix(h.URL, "sqlite:"); ok {
		db, err = sql.Open("sqlite", "file:"+file+"?_busy_timeout=10000")
	} else {
		db, err = sql.Open("pgx", pgtest.Superuser(h.T, h.URL))
	}
	if err != nil {
		h.T.Fatal(err)
	}
	h.T.Cleanup(func() { _ = db.Close() })
	h.raw = db
	return db
}

// Tamper changes the database without the store.
func (h *App) Tamper(statement string, args ...any) {
	h.T.Helper()
	if _, err := h.Raw().ExecContext(context.Background(), statement, args...); err != nil {
		h.T.Fatalf("%s: %v", statement, err)
	}
}

// A Cell is one value of the database.
type Cell struct {
	Table, Column string
	Text          string
}

// Dump returns every value of every table, as bytes.
func (h *App) Dump() (cells []Cell) {
	h.T.Helper()
	db := h.Raw()
	tables := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	if !strings.HasPrefix(h.URL, "sqlite:") {
		tables = `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`
	}
	for _, table := range column(h, db, tables) {
		cells = append(cells, dumpTable(h, db, table)...)
	}
	return cells
}

func column(h *App, db *sql.DB, query string) (all []string) {
	h.T.Helper()
	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		h.T.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			h.T.Fatal(err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		h.T.Fatal(err)
	}
	return all
}

func dumpTable(h *App, db *sql.DB, table string) (cells []Cell) {
	h.T.Helper()
	rows, err := db.QueryContext(context.Background(), `SELECT * FROM `+table)
	if err != nil {
		h.T.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		h.T.Fatal(err)
	}
	for rows.Next() {
		values := make([]any, len(names))
		to := make([]any, len(names))
		for i := range values {
			to[i] = &values[i]
		}
		if err := rows.Scan(to...); err != nil {
			h.T.Fatal(err)
		}
		for i, v := range values {
			text := fmt.Sprint(v)
			if b, ok := v.([]byte); ok {
				text = string(b)
			}
			cells = append(cells, Cell{table, names[i], text})
		}
	}
	if err := rows.Err(); err != nil {
		h.T.Fatal(err)
	}
	return cells
}

// Count returns the number that a statement selects.
func (h *App) Count(statement string, args ...any) (n int) {
	h.T.Helper()
	if err := h.Raw().QueryRowContext(context.Background(), statement, args...).Scan(&n); err != nil {
		h.T.Fatalf("%s: %v", statement, err)
	}
	return n
}
