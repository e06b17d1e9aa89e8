package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"countersign"
)

var passkeyColumns = columns("id", "user_id", "credential", "name", "sealed", "created", "last_used")

// passkeyAAD names the row that a passkey's key is sealed for, so that someone who can write
// to the database cannot replace the key (KY-01).
func (tx *Tx) passkeyAAD(p countersign.Passkey) string {
	return fmt.Sprintf("passkey.sealed/%s/%s/%s", tx.agency, p.User, p.ID)
}

// A sealedPasskey is the sealed part of a passkey. It includes the credential that the key
// belongs to, because the credential's own column is not sealed.
type sealedPasskey struct {
	Credential []byte
	Key        countersign.PasskeyKey
}

func (tx *Tx) scanPasskey(scan func(...any) error) (countersign.Passkey, error) {
	var p countersign.Passkey
	var sealed []byte
	var created, used int64
	if err := scan(&p.ID, &p.User, &p.Credential, &p.Name, &sealed, &created, &used); err != nil {
		return p, err
	}
	p.Created, p.LastUsed = instant(created), instant(used)
	text, err := tx.db.box.Open(sealed, tx.passkeyAAD(p))
	var kept sealedPasskey
	if err != nil || json.Unmarshal(text, &kept) != nil || !bytes.Equal(kept.Credential, p.Credential) {
		p.Broken = true // the sign-in is refused, but the other passkeys can still be read and removed
		return p, nil
	}
	p.Key = kept.Key
	return p, nil
}

func (tx *Tx) sealPasskey(p countersign.Passkey) ([]byte, error) {
	text, err := json.Marshal(sealedPasskey{p.Credential, p.Key})
	if err != nil {
		return nil, err
	}
	return tx.db.box.Seal(text, tx.passkeyAAD(p))
}

// passkeys returns the passkeys of a factor, oldest first. A passkey that was moved here from
// another user is marked as broken, although its seal is valid.
func (tx *Tx) passkeys(ctx context.Context, f countersign.Factor) ([]countersign.Passkey, error) {
	all, err := list(ctx, tx.sql, tx.scanPasskey,
		`SELECT `+passkeyColumns+` FROM passkey WHERE agency_id = $1 AND factor_id = $2 ORDER BY created, id`, tx.agency, f.ID)
	for i, p := range all {
		if p.User != f.User {
			all[i].Key, all[i].Broken = countersign.PasskeyKey{}, true
		}
	}
	return all, err
}

// PasskeyOwner returns the user that an authenticator's credential belongs to in this agency;
// empty if there is none.
func (tx *Tx) PasskeyOwner(ctx context.Context, credential []byte) (user countersign.UserID, err error) {
	err = tx.sql.QueryRowContext(ctx, `SELECT user_id FROM passkey WHERE agency_id = $1 AND credential = $2`,
		tx.agency, credential).Scan(&user)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return user, err
}

// AddPasskey adds a passkey to the user's passkey factor.
func (tx *Tx) AddPasskey(ctx context.Context, factor countersign.FactorID, p countersign.Passkey) error {
	sealed, err := tx.sealPasskey(p)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		INSERT INTO passkey (id, agency_id, user_id, factor_id, credential, name, sealed, created, last_used)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		p.ID, tx.agency, p.User, factor, p.Credential, p.Name, sealed, millis(p.Created), millis(p.LastUsed))
	if isExist(err) {
		return &countersign.Error{Kind: countersign.KindConflict, Code: "passkey.taken"}
	}
	return err
}

// UsePasskey saves what an accepted assertion reported: the signature counter, and whether the
// passkey is backed up to other devices. It reports false if the passkey no longer exists.
func (tx *Tx) UsePasskey(ctx context.Context, p countersign.Passkey, now time.Time) (bool, error) {
	sealed, err := tx.sealPasskey(p)
	if err != nil {
		return false, err
	}
	n, err := tx.exec(ctx, `UPDATE passkey SET sealed = $4, last_used = $5 WHERE agency_id = $1 AND user_id = $2 AND id = $3`,
		tx.agency, p.User, p.ID, sealed, millis(now))
	return n == 1, err
}

// RenamePasskey renames a passkey of the user and reports whether it exists.
func (tx *Tx) RenamePasskey(ctx context.Context, user countersign.UserID, id countersign.PasskeyID, name string) (bool, error) {
	n, err := tx.exec(ctx, `UPDATE passkey SET name = $4 WHERE agency_id = $1 AND user_id = $2 AND id = $3`, tx.agency, user, id, name)
	return n == 1, err
}

// RemovePasskey removes one passkey of the user and reports whether it existed.
func (tx *Tx) RemovePasskey(ctx context.Context, user countersign.UserID, id countersign.PasskeyID) (bool, error) {
	n, err := tx.exec(ctx, `DELETE FROM passkey WHERE agency_id = $1 AND user_id = $2 AND id = $3`, tx.agency, user, id)
	return n == 1, err
}
