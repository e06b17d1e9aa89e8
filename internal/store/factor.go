package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"countersign"
)

var factorColumns = columns("id", "user_id", "method", "address", "secret", "state", "verified", "last_used", "is_default")

// factorAAD names the row that a factor's secret is sealed for (KY-01).
func (tx *Tx) factorAAD(f countersign.Factor) string {
	return fmt.Sprintf("factor.secret/%s/%s/%s", tx.agency, f.User, f.ID)
}

func (tx *Tx) scanFactor(scan func(...any) error) (countersign.Factor, error) {
	var f countersign.Factor
	var verified, used int64
	var sealed []byte
	if err := scan(&f.ID, &f.User, &f.Method, &f.Address, &sealed, &f.State, &verified, &used, &f.Default); err != nil {
		return f, err
	}
	f.Verified, f.LastUsed = instant(verified), instant(used)
	if len(sealed) == 0 {
		return f, nil
	}
	var err error
	if f.Secret, err = tx.db.box.Open(sealed, tx.factorAAD(f)); err != nil {
		f.Broken = true // the sign-in is refused, but the other factors can still be read and replaced
	}
	return f, nil
}

// Factors returns the verified methods of a user, oldest first.
func (tx *Tx) Factors(ctx context.Context, user countersign.UserID) ([]countersign.Factor, error) {
	all, err := list(ctx, tx.sql, tx.scanFactor,
		`SELECT `+factorColumns+` FROM factor WHERE agency_id = $1 AND user_id = $2 ORDER BY verified, id`, tx.agency, user)
	for i, f := range all {
		if err == nil && f.Method == countersign.MethodPasskey {
			all[i].Passkeys, err = tx.passkeys(ctx, f)
			all[i].Broken = slices.ContainsFunc(all[i].Passkeys, func(p countersign.Passkey) bool { return p.Broken })
		}
	}
	return all, err
}

// SaveFactor saves a newly verified method and replaces an earlier one of the same method. It
// does not change the Default; see SetDefault.
func (tx *Tx) SaveFactor(ctx context.Context, f countersign.Factor) error {
	var sealed = []byte{}
	if len(f.Secret) > 0 {
		var err error
		if sealed, err = tx.db.box.Seal(f.Secret, tx.factorAAD(f)); err != nil {
			return fmt.Errorf("seal the secret of factor %s: %w", f.ID, err)
		}
	}
	_, err := tx.exec(ctx, `
		INSERT INTO factor (agency_id, id, user_id, method, address, secret, state, verified, last_used, is_default, folded)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (user_id, method) DO UPDATE SET id = excluded.id, address = excluded.address, secret = excluded.secret,
			state = excluded.state, verified = excluded.verified, last_used = excluded.last_used, folded = excluded.folded`,
		tx.agency, f.ID, f.User, f.Method, f.Address, sealed, f.State, millis(f.Verified), millis(f.LastUsed), f.Default, countersign.FoldEmail(f.Address))
	return err
}

// UseFactor saves the method's state after a proof. It reports false if the same or a later
// app code was accepted before (OT-03, OT-08).
func (tx *Tx) UseFactor(ctx context.Context, f countersign.Factor, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `
		UPDATE factor SET state = $3, last_used = $4
		WHERE agency_id = $1 AND id = $2 AND (state < $3 OR method <> 'app')`,
		tx.agency, f.ID, f.State, millis(now))
	return n == 1, err
}

// SetDefault makes one method of the user the Default and the others not.
func (tx *Tx) SetDefault(ctx context.Context, user countersign.UserID, m countersign.Method) error {
	_, err := tx.exec(ctx, `UPDATE factor SET is_default = (method = $3) WHERE agency_id = $1 AND user_id = $2`, tx.agency, user, m)
	return err
}

// RemoveFactor removes one method of a user.
func (tx *Tx) RemoveFactor(ctx context.Context, user countersign.UserID, m countersign.Method) error {
	_, err := tx.exec(ctx, `DELETE FROM factor WHERE agency_id = $1 AND user_id = $2 AND method = $3`, tx.agency, user, m)
	return err
}

// RemoveFactors removes all methods of a user.
func (tx *Tx) RemoveFactors(ctx context.Context, user countersign.UserID) error {
	_, err := tx.exec(ctx, `DELETE FROM factor WHERE agency_id = $1 AND user_id = $2`, tx.agency, user)
	return err
}

// CountSharing counts the other users who have verified the same address or number.
func (tx *Tx) CountSharing(ctx context.Context, user countersign.UserID, m countersign.Method, address string) (int, error) {
	var n int
	err := tx.sql.QueryRowContext(ctx,
		`SELECT count(*) FROM factor WHERE agency_id = $1 AND user_id <> $2 AND method = $3 AND address = $4`,
		tx.agency, user, m, address).Scan(&n)
	return n, err
}
