package apptest

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"countersign/internal/pgtest"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// SQLite returns the address of a new, empty database file with the whole schema: a copy of one
// that was prepared once.
func SQLite(t testing.TB) string {
	t.Helper()
	file, err := prepared()
	if err != nil {
		t.Fatalf("prepare a database file: %v", err)
	}
	path := filepath.Join(t.TempDir(), "house.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path
}

// PostgreSQL returns the same on a PostgreSQL server.
func PostgreSQL(t testing.TB) string {
	t.Helper()
	return pgtest.Template(t, "house", prepare)
}

// prepared returns a prepared database file, made on first use.
var prepared = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "countersign-house-")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "house.db")
	if err := prepare("sqlite:" + path); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	file, err := os.ReadFile(path)
	return file, errors.Join(err, os.RemoveAll(dir))
})

// prepare creates the schema of the database at url and removes what belongs to the key that it was
// opened with, because each application has its own key.
func prepare(url string) error {
	master, err := secret.NewMaster()
	if err != nil {
		return err
	}
	db, err := store.Open(context.Background(), url, master.Box())
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	driver, dsn := "pgx", url
	if file, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, dsn = "sqlite", "file:"+file
	}
	raw, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	_, err = raw.Exec(`DELETE FROM installation`)
	return errors.Join(err, raw.Close())
}
