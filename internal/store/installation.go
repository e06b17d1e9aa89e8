package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"countersign/internal/secret"
)

// Values of the whole installation: a proof of the master key and the root of the keyed
// digests. All values of the table are sealed.

// installationAAD names the row that a value is sealed for.
func installationAAD(name string) string { return "installation/" + name }

// keyProof is the value of the row "key".
var keyProof = []byte("countersign")

// openInstallation checks that the database was sealed with this master key: with another key
// no app secret would open, so the program must not start. It then reads the root of the keyed
// digests. The first node creates both.
func (db *DB) openInstallation(ctx context.Context) error {
	t, err := db.begin(ctx, db.write, allAgencies, nil)
	if errors.Is(err, ErrOldKey) {
		return ErrOtherKey
	}
	if err != nil {
		return err
	}
	defer func() { _ = t.Rollback() }()
	kept, err := db.saveValue(ctx, t, "key", keyProof)
	if errors.Is(err, secret.ErrOtherKey) || errors.Is(err, secret.ErrOtherPlace) || err == nil && !bytes.Equal(kept, keyProof) {
		return ErrOtherKey
	}
	if err != nil {
		return err
	}
	root, err := db.saveValue(ctx, t, "digests", secret.NewRoot())
	if err != nil {
		return err
	}
	if db.key, err = secret.KeyOf(root); err != nil {
		return err
	}
	return t.Commit()
}

// saveValue saves a value under a name unless one exists, and returns the one that is saved.
func (db *DB) saveValue(ctx context.Context, t *sql.Tx, name string, value []byte) ([]byte, error) {
	sealed, err := db.box.Seal(value, installationAAD(name))
	if err != nil {
		return nil, err
	}
	if _, err := t.ExecContext(ctx, `INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, sealed); err != nil {
		return nil, err
	}
	if err := t.QueryRowContext(ctx, `SELECT value FROM installation WHERE name = $1`, name).Scan(&sealed); err != nil {
		return nil, err
	}
	return db.box.Open(sealed, installationAAD(name))
}

// Key returns the key for digests. Its root is generated once and kept sealed in the database,
// so that digests survive a change of the master key.
func (db *DB) Key() secret.Key { return db.key }

// HasKey reports whether a PostgreSQL database was sealed with a master key before. If so and
// its key file is missing, no new key may be created.
func HasKey(ctx context.Context, url string) (sealed bool, err error) {
	config, err := poolConfig(url)
	if err != nil {
		return false, err
	}
	c, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return false, fmt.Errorf("reach the database: %w", causeOf(err))
	}
	defer func() { _ = c.Close(ctx) }()
	if err := c.QueryRow(ctx, `SELECT to_regclass('installation') IS NOT NULL`).Scan(&sealed); err != nil || !sealed {
		return false, err
	}
	err = c.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM installation WHERE name = 'key')`).Scan(&sealed)
	return sealed, err
}
