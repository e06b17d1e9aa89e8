package store_test

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"countersign/internal/pgtest"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// late are migrations that were added after one with a higher number. An older database lacks
// them.
var late = []int{25, 30, 31, 35, 40}

// migrations returns the files of the schema by their number.
func migrations(t *testing.T) map[int]*fstest.MapFile {
	t.Helper()
	all := map[int]*fstest.MapFile{}
	names, err := fs.Glob(store.Migrations(), "migrations/*")
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`^migrations/(\d{5})_[a-z0-9_]+\.sql$`)
	for _, name := range names {
		parts := form.FindStringSubmatch(name)
		if parts == nil {
			t.Fatalf("%s is not named as 00001_start.sql", name)
		}
		number, err := strconv.Atoi(parts[1])
		if err != nil || all[number] != nil {
			t.Fatalf("%s: its number is another one's, %v", name, err)
		}
		text, err := fs.ReadFile(store.Migrations(), name)
		if err != nil {
			t.Fatal(err)
		}
		all[number] = &fstest.MapFile{Data: text}
	}
	return all
}

// Migrations have unique numbers, and remove nothing that a node of an earlier version still
// reads or writes.
func TestMigrationsOnlyAdd(t *testing.T) {
	takes := regexp.MustCompile(`(?i)\b(DROP\s+(TABLE|COLUMN)|RENAME\s+(TO|COLUMN)|ALTER\s+COLUMN)\b`)
	for number, file := range migrations(t) {
		if found := takes.FindString(string(file.Data)); found != "" {
			t.Errorf("migration %05d: %s", number, found)
		}
	}
}

// A database that lacks migrations below its highest one gets them at the next start, and then
// has the same schema as a new one.
func TestMigrationsThatWereAddedLater(t *testing.T) {
	cases := [][]int{late}
	for _, number := range late {
		cases = append(cases, []int{number})
	}
	for engine, url := range map[string]func(*testing.T) string{
		"SQLite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "test.db") },
		"PostgreSQL": func(t *testing.T) string { return pgtest.DSN(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			fresh, box := url(t), master(t)
			openAndClose(t, fresh, box)
			want := schema(t, fresh)
			for _, missing := range cases {
				older := url(t)
				migrateWithout(t, older, missing)
				openAndClose(t, older, box)
				if diff := cmp.Diff(want, schema(t, older)); diff != "" {
					t.Errorf("without %v (-new +older):\n%s", missing, diff)
				}
				openAndClose(t, older, box)
			}
		})
	}
}

func openAndClose(t *testing.T, url string, box *secret.Box) {
	t.Helper()
	db, err := store.Open(t.Context(), url, box)
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// raw opens a database without the store.
func raw(t *testing.T, url string) (*sql.DB, goose.Dialect) {
	t.Helper()
	driver, dialect := "pgx", goose.DialectPostgres
	if file, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, dialect, url = "sqlite", goose.DialectSQLite3, "file:"+file
	}
	db, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db, dialect
}

// migrateWithout applies all migrations except the missing ones.
func migrateWithout(t *testing.T, url string, missing []int) {
	t.Helper()
	all, files := migrations(t), fstest.MapFS{}
	for _, number := range missing {
		delete(all, number)
	}
	for number, file := range all {
		files[strconv.Itoa(number)+"_x.sql"] = file
	}
	db, dialect := raw(t, url)
	provider, err := goose.NewProvider(dialect, db, files)
	if err == nil {
		_, err = provider.Up(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// schema returns every column of every table.
func schema(t *testing.T, url string) (columns map[string]bool) {
	t.Helper()
	db, dialect := raw(t, url)
	query := `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema()`
	if dialect == goose.DialectSQLite3 {
		query = `SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`
	}
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns = map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		columns[name] = true
	}
	if rows.Err() != nil || len(columns) < 100 {
		t.Fatalf("%d columns, %v", len(columns), rows.Err())
	}
	return columns
}
