package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"countersign"
	"countersign/internal/secret"
)

// Password hashes are sealed under the master key, which is kept outside the database: the
// rows alone don't allow offline guessing (PW-02). Sealing the finished hash, instead of
// mixing a key into it, lets the key be rotated without the passwords. The sealed value names
// its key. The column "password" holds hashes from before sealing and is otherwise empty.

// passwordAAD names the row that a password hash is sealed for.
func passwordAAD(agency countersign.AgencyID, user countersign.UserID) string {
	return fmt.Sprintf("users.password/%s/%s", agency, user)
}

// sealPassword seals a hash for its column; an empty hash stays empty.
func (db *DB) sealPassword(agency countersign.AgencyID, user countersign.UserID, hash string) ([]byte, error) {
	if hash == "" {
		return []byte{}, nil
	}
	return db.box.Seal([]byte(hash), passwordAAD(agency, user))
}

// stillSealed marks, in memory, a hash that was read and not opened yet.
const stillSealed = "sealed:"

// openPassword decrypts the password hash of a user. If the hash was moved or changed in the
// database, the user has no password and nothing they enter matches (KY-01).
func (tx *Tx) openPassword(u *countersign.User) error {
	sealed, ok := strings.CutPrefix(u.Password, stillSealed)
	if !ok {
		return nil
	}
	hash, err := tx.db.box.Open([]byte(sealed), passwordAAD(tx.agency, u.ID))
	if errors.Is(err, secret.ErrOtherPlace) {
		hash, u.Broken, err = nil, true, nil
	}
	u.Password = string(hash)
	return err
}

// sealBatchSize is how many are sealed in one transaction, so that no sign-in waits long.
const sealBatchSize = 200

// sealedName is the installation row that records that all hashes are sealed.
const sealedName = "passwords sealed"

// sealPasswords seals the hashes from before sealing, once for an installation. Several nodes
// may run it at once.
func (db *DB) sealPasswords(ctx context.Context) error {
	for more := true; more; {
		err := db.inAllAgencies(ctx, db.write, func(t *sql.Tx) (err error) {
			more, err = db.sealBatch(ctx, t)
			return err
		})
		if err != nil {
			return fmt.Errorf("seal passwords: %w", err)
		}
	}
	return nil
}

// sealBatch seals a batch of hashes and reports whether there may be more. It skips a hash that
// another transaction changes at the same time.
func (db *DB) sealBatch(ctx context.Context, t *sql.Tx) (bool, error) {
	var done int
	if err := t.QueryRowContext(ctx, `SELECT count(*) FROM installation WHERE name = $1`, sealedName).Scan(&done); err != nil || done > 0 {
		return false, err
	}
	type row struct {
		agency countersign.AgencyID
		user   countersign.UserID
		hash   string
	}
	rows, err := list(ctx, t, func(scan func(...any) error) (r row, err error) {
		err = scan(&r.agency, &r.user, &r.hash)
		return r, err
	}, `SELECT agency_id, id, password FROM users WHERE password <> '' LIMIT $1`, sealBatchSize)
	for _, r := range rows {
		var sealed []byte
		if sealed, err = db.sealPassword(r.agency, r.user, r.hash); err != nil {
			return false, err
		}
		_, err = t.ExecContext(ctx, `UPDATE users SET password = '', password_sealed = $3 WHERE agency_id = $1 AND id = $2 AND password = $4`,
			r.agency, r.user, sealed, r.hash)
		if err != nil {
			return false, err
		}
	}
	if err != nil || len(rows) > 0 {
		return true, err
	}
	_, err = db.saveValue(ctx, t, sealedName, []byte("yes"))
	return false, err
}
