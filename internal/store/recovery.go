package store

import (
	"context"
	"time"

	"countersign"
)

// ReplaceRecoveryCodes saves the digests of a new set and removes the earlier set (RC-01).
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

// ClearRecoveryCodes removes all recovery codes of a user.
func (tx *Tx) ClearRecoveryCodes(ctx context.Context, user countersign.UserID) error {
	_, err := tx.exec(ctx, `DELETE FROM recovery_code WHERE agency_id = $1 AND user_id = $2`, tx.agency, user)
	return err
}

// UseRecoveryCode uses up a recovery code of this user. It reports false if the code is
// unknown or used; of simultaneous uses only one succeeds.
func (tx *Tx) UseRecoveryCode(ctx context.Context, user countersign.UserID, digest string, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `UPDATE recovery_code SET used = $4 WHERE agency_id = $1 AND user_id = $2 AND digest = $3 AND used = 0`,
		tx.agency, user, digest, millis(now))
	return n == 1, err
}

// RecoveryCodes returns how many recovery codes a user has, how many are left, and when they
// were generated.
func (tx *Tx) RecoveryCodes(ctx context.Context, user countersign.UserID) (c countersign.RecoveryCodes, err error) {
	var made int64
	err = tx.sql.QueryRowContext(ctx, `
		SELECT count(*), count(*) FILTER (WHERE used = 0), COALESCE(MAX(made), 0) FROM recovery_code WHERE agency_id = $1 AND user_id = $2`,
		tx.agency, user).Scan(&c.All, &c.Left, &made)
	c.Made = instant(made)
	return c, err
}
