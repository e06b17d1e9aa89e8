package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"countersign"
)

// nonceAAD names the row that a nonce is sealed for.
func (tx *Tx) nonceAAD(a countersign.AttemptID, p countersign.NoncePurpose) string {
	return fmt.Sprintf("passkey_nonce.sealed/%s/%s/%s", tx.agency, a, p)
}

// Nonce returns what the passkeys of an attempt must sign, and its expiry; nil if there is
// none.
func (tx *Tx) Nonce(ctx context.Context, a countersign.AttemptID, p countersign.NoncePurpose) ([]byte, time.Time, error) {
	return tx.openNonce(a, p, tx.sql.QueryRowContext(ctx,
		`SELECT sealed, expires FROM passkey_nonce WHERE agency_id = $1 AND attempt_id = $2 AND purpose = $3`, tx.agency, a, p))
}

// TakeNonce does what Nonce does, and removes the nonce, whatever the outcome of the answer,
// so that no answer is verified twice.
func (tx *Tx) TakeNonce(ctx context.Context, a countersign.AttemptID, p countersign.NoncePurpose) ([]byte, time.Time, error) {
	return tx.openNonce(a, p, tx.sql.QueryRowContext(ctx,
		`DELETE FROM passkey_nonce WHERE agency_id = $1 AND attempt_id = $2 AND purpose = $3 RETURNING sealed, expires`, tx.agency, a, p))
}

func (tx *Tx) openNonce(a countersign.AttemptID, p countersign.NoncePurpose, row *sql.Row) ([]byte, time.Time, error) {
	var sealed []byte
	var expires int64
	err := row.Scan(&sealed, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	nonce, err := tx.db.box.Open(sealed, tx.nonceAAD(a, p))
	return nonce, instant(expires), err
}

// SaveNonce saves a nonce and replaces an earlier one of the same attempt and purpose.
func (tx *Tx) SaveNonce(ctx context.Context, a countersign.AttemptID, p countersign.NoncePurpose, nonce []byte, expires time.Time) error {
	sealed, err := tx.db.box.Seal(nonce, tx.nonceAAD(a, p))
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		INSERT INTO passkey_nonce (agency_id, attempt_id, purpose, sealed, expires) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (agency_id, attempt_id, purpose) DO UPDATE SET sealed = excluded.sealed, expires = excluded.expires`,
		tx.agency, a, p, sealed, millis(expires))
	return err
}

// SpendNonce marks a nonce that has no row as used, and reports false if it was used before.
// It is one conditional write, so that only one answer counts on any number of nodes (PK-01).
// digest is the SHA-256 of the nonce.
func (tx *Tx) SpendNonce(ctx context.Context, digest string, expires time.Time) (bool, error) {
	n, err := tx.exec(ctx, `
		INSERT INTO passkey_spent (agency_id, digest, expires) VALUES ($1, $2, $3)
		ON CONFLICT (agency_id, digest) DO NOTHING`, tx.agency, digest, millis(expires))
	return n == 1, err
}

// PruneSpent removes used nonces of all agencies that expired before the given time. Leave a
// margin: no node may accept one before then, however slow its clock is.
func (db *DB) PruneSpent(ctx context.Context, before time.Time) error {
	_, err := db.execInAllAgencies(ctx, `DELETE FROM passkey_spent WHERE expires < $1`, millis(before))
	return err
}

// PruneNonces removes nonces of all agencies that expired before the given time.
func (db *DB) PruneNonces(ctx context.Context, before time.Time) error {
	_, err := db.execInAllAgencies(ctx, `DELETE FROM passkey_nonce WHERE expires < $1`, millis(before))
	return err
}
