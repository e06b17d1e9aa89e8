package store

import (
	"context"
	"time"

	"countersign"
)

// ReplaceRecoveryCodes keeps the digests of a new set; the earlier set is gone
// with it (RC-01).
func (tx *Tx) ReplaceRecoveryCodes(ctx context.Context, user countersign.UserID, digests []string, now time.Time) error {
	if err := tx.ClearRecoveryCodes(ctx, user); err != nil {
		return err
	}
	for _, digest := range digests {
		if _, err := tx.exec(ctx, `INSERT INTO recovery_code (agency_id, user_id, digest, made, used) VALUES ($1, $2, $3, $4, 0)`,
			tx.agency, user, digest, millis(now)); err != nil {
			return err
		}
	}
	return nil
}

// ClearRecoveryCodes removes all codes of a user.
func (tx *Tx) ClearRecoveryCodes(ctx context.Context, user countersign.UserID) error {
	_, err := tx.exec(ctx, `DELETE FROM recovery_code WHERE agency_id = $1 AND user_id = $2`, tx.agency, user)
	return err
}

// UseRecoveryCode uses up a code of this very user and reports false if it is
// not one of his, or was used: of any number at the same instant one succeeds.
func (tx *Tx) UseRecoveryCode(ctx context.Context, user countersign.UserID, digest string, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `UPDATE recovery_code SET used = $4 WHERE agency_id = $1 AND user_id = $2 AND digest = $3 AND used = 0`,
		tx.agency, user, digest, millis(now))
	return n == 1, err
}

// RecoveryCodes tells how many codes a user has, and how many are left.
func (tx *Tx) RecoveryCodes(ctx context.Context, user countersign.UserID) (c countersign.RecoveryCodes, err error) {
	var made int64
	err = tx.sql.QueryRowContext(ctx, `
		SELECT count(*), count(*) FILTER (WHERE used = 0), COALESCE(MAX(made), 0) FROM recovery_code WHERE agency_id = $1 AND user_id = $2`,
		tx.agency, user).Scan(&c.All, &c.Left, &made)
	c.Made = instant(made)
	return c, err
}
