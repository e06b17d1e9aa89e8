package store_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"countersign"
	"countersign/internal/pgtest"
	"countersign/internal/secret"
	"countersign/internal/store"
)

const hash = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$Q2qWcaZ4TC2DGtuHvT6+nv/h/ioCTuEZCr63YBCDWu4"

// columnsOf reads both columns of a user's password without decrypting them.
func columnsOf(t *testing.T, tx *store.Tx, agency countersign.AgencyID, u countersign.UserID) (plain string, sealed []byte) {
	t.Helper()
	err := tx.SQL().QueryRowContext(t.Context(), `SELECT password, password_sealed FROM users WHERE agency_id = $1 AND id = $2`, agency, u).Scan(&plain, &sealed)
	if err != nil {
		t.Fatal(err)
	}
	return plain, sealed
}

// PW-02: a hash is sealed for its user under the master key. The row does not contain the
// hash, and the sealed value does not open for another user.
func TestPasswordHashIsSealed(t *testing.T) {
	each(t, func(p place) {
		err := p.db.In(t.Context(), p.ours, func(tx *store.Tx) error {
			other := countersign.User{ID: "other", Login: "CBILLS", Name: "Carol Bills", Password: hash, Created: noon, Version: 1}
			if err := tx.AddUser(t.Context(), other); err != nil {
				return err
			}
			if err := tx.SetPassword(t.Context(), p.user.ID, hash, noon); err != nil {
				return err
			}
			for _, id := range []countersign.UserID{p.user.ID, other.ID} {
				plain, sealed := columnsOf(p.T, tx, p.ours, id)
				if plain != "" || len(sealed) == 0 || bytes.Contains(sealed, []byte("argon2id")) {
					p.Errorf("%s: %q, %q", id, plain, sealed)
				}
				u, err := tx.LockUser(t.Context(), id)
				if err != nil || u.Password != hash {
					p.Errorf("%s is read as %q, %v", id, u.Password, err)
				}
			}
			_, sealed := columnsOf(p.T, tx, p.ours, other.ID)
			if _, err := tx.SQL().ExecContext(t.Context(), `UPDATE users SET password_sealed = $3 WHERE agency_id = $1 AND id = $2`, p.ours, p.user.ID, sealed); err != nil {
				return err
			}
			u, err := tx.User(t.Context(), p.user.ID)
			if err == nil && (u.Password != "" || !u.Broken) {
				p.Errorf("the hash of another user opens: %q", u.Password)
			}
			return err
		})
		if err != nil {
			p.Fatal(err)
		}
	})
}

// PW-02: hashes from before sealing can be read, and are sealed at the next start.
func TestOlderHashesAreSealedAtTheStart(t *testing.T) {
	for engine, url := range map[string]func() string{
		"SQLite":     func() string { return "sqlite:" + filepath.Join(t.TempDir(), "older.db") },
		"PostgreSQL": func() string { return pgtest.DSN(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			url := url()
			master, err := secret.NewMaster()
			if err != nil {
				t.Fatal(err)
			}
			db, err := store.Open(t.Context(), url, master.Box())
			if err != nil {
				t.Fatal(err)
			}
			a := countersign.Agency{ID: "ours", Code: "OURS", Name: "Agency", Created: noon}
			err = db.AddAgency(t.Context(), a, func(tx *store.Tx) error {
				if err := tx.AddUser(t.Context(), countersign.User{ID: "u", Login: "BSMITH", Name: "Bob Smith", Created: noon, Version: 1}); err != nil {
					return err
				}
				for _, statement := range []string{`UPDATE users SET password = '` + hash + `', password_sealed = NULL`, `DELETE FROM installation WHERE name = 'passwords sealed'`} {
					if _, err := tx.SQL().ExecContext(t.Context(), statement); err != nil {
						return err
					}
				}
				u, err := tx.User(t.Context(), "u")
				if u.Password != hash {
					t.Errorf("before: %q", u.Password)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if db, err = store.Open(t.Context(), url, master.Box()); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			err = db.Read(t.Context(), "ours", func(tx *store.Tx) error {
				plain, sealed := columnsOf(t, tx, "ours", "u")
				u, err := tx.User(t.Context(), "u")
				if plain != "" || len(sealed) == 0 || u.Password != hash {
					t.Errorf("after: %q, %q, read as %q", plain, sealed, u.Password)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
