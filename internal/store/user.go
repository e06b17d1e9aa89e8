package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"countersign"
)

var userColumns = columns("id", "login", "name", "email", "mobile", "password", "password_sealed", "password_at", "disabled",
	"reset_until", "reset_at", "reset_by", "reset_openings", "email_before", "email_changed", "version", "created", "last_sign_in", "set_up_left",
	"EXISTS (SELECT 1 FROM factor f WHERE f.agency_id = users.agency_id AND f.user_id = users.id)")

func scanUser(scan func(...any) error) (countersign.User, error) {
	var u countersign.User
	var sealed []byte
	var passwordAt, until, at, since, created, last int64
	err := scan(&u.ID, &u.Login, &u.Name, &u.Email, &u.Mobile, &u.Password, &sealed, &passwordAt, &u.Disabled,
		&until, &at, &u.ResetBy, &u.EnrollmentOpenings, &u.OldEmail, &since, &u.Version, &created, &last, &u.EnrollmentLeft, &u.Enrolled)
	if len(sealed) > 0 {
		u.Password = stillSealed + string(sealed)
	}
	u.PasswordAt, u.ResetUntil, u.ResetAt = instant(passwordAt), instant(until), instant(at)
	u.EmailSince, u.Created, u.LastSignIn = instant(since), instant(created), instant(last)
	return u, err
}

// UserByLogin returns the user with this user ID, in any letter case.
func (tx *Tx) UserByLogin(ctx context.Context, login string) (countersign.User, error) {
	return tx.user(ctx, `SELECT `+userColumns+` FROM users WHERE agency_id = $1 AND folded = $2`, countersign.FoldLogin(login))
}

// User returns the user with this ID.
func (tx *Tx) User(ctx context.Context, id countersign.UserID) (countersign.User, error) {
	return tx.user(ctx, `SELECT `+userColumns+` FROM users WHERE agency_id = $1 AND id = $2`, id)
}

// LockUser reads a user and locks the row until the transaction ends. Call it first in any
// operation that decides about the user.
func (tx *Tx) LockUser(ctx context.Context, id countersign.UserID) (countersign.User, error) {
	if err := tx.line.enter(row{tx.agency, id}); err != nil {
		return countersign.User{}, err
	}
	return tx.user(ctx, `UPDATE users SET version = version WHERE agency_id = $1 AND id = $2 RETURNING `+userColumns, id)
}

func (tx *Tx) user(ctx context.Context, query string, key any) (countersign.User, error) {
	u, err := scanUser(tx.sql.QueryRowContext(ctx, query, tx.agency, key).Scan)
	if err != nil {
		return u, notFound(err, "user.unknown")
	}
	if err := tx.openPassword(&u); err != nil {
		return u, err
	}
	if u.Rights, err = tx.rights(ctx, u.ID); err != nil {
		return u, err
	}
	u.Groups, err = names[string](ctx, tx, `SELECT name FROM user_group WHERE agency_id = $1 AND user_id = $2 ORDER BY name COLLATE "C"`, u.ID)
	return u, err
}

// rights returns the rights of a user.
func (tx *Tx) rights(ctx context.Context, user countersign.UserID) ([]countersign.Right, error) {
	return names[countersign.Right](ctx, tx, `SELECT name FROM user_right WHERE agency_id = $1 AND user_id = $2 ORDER BY name COLLATE "C"`, user)
}

func names[T ~string](ctx context.Context, tx *Tx, query string, args ...any) ([]T, error) {
	return list(ctx, tx.sql, func(scan func(...any) error) (T, error) {
		var name T
		return name, scan(&name)
	}, query, append([]any{tx.agency}, args...)...)
}

// AddUser adds a user with rights and groups.
func (tx *Tx) AddUser(ctx context.Context, u countersign.User) error {
	sealed, err := tx.db.sealPassword(tx.agency, u.ID, u.Password)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		INSERT INTO users (agency_id, id, login, folded, name, email, mobile, search, password, password_sealed, password_at, disabled,
			reset_until, reset_at, reset_by, version, created, last_sign_in, email_folded, name_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', $9, $10, $11, 0, 0, '', 1, $12, 0, $13, $14)`,
		tx.agency, u.ID, u.Login, countersign.FoldLogin(u.Login), u.Name, u.Email, u.Mobile, searchText(u),
		sealed, millis(u.PasswordAt), u.Disabled, millis(u.Created), countersign.FoldEmail(u.Email), nameKey(u.Name))
	if isExist(err) {
		return &countersign.Error{Kind: countersign.KindConflict, Code: "user_id.taken", Field: "user_id", Args: countersign.Args{"Login": u.Login}}
	}
	if err != nil {
		return err
	}
	return tx.setLists(ctx, u)
}

// SaveUser saves the profile, state, rights and groups of u, unless they changed since u was
// read, and increments the version. The user ID stays.
func (tx *Tx) SaveUser(ctx context.Context, u countersign.User) error {
	n, err := tx.exec(ctx, `
		UPDATE users SET name = $3, email = $4, mobile = $5, search = $6, disabled = $7, version = version + 1,
			email_folded = $9, name_key = $10
		WHERE agency_id = $1 AND id = $2 AND version = $8`,
		tx.agency, u.ID, u.Name, u.Email, u.Mobile, searchText(u), u.Disabled, u.Version, countersign.FoldEmail(u.Email), nameKey(u.Name))
	if err != nil {
		return err
	}
	if n == 0 {
		return &countersign.Error{Kind: countersign.KindConflict, Code: "edit.conflict"}
	}
	for _, table := range []string{"user_right", "user_group"} {
		if _, err := tx.exec(ctx, `DELETE FROM `+table+` WHERE agency_id = $1 AND user_id = $2`, tx.agency, u.ID); err != nil {
			return err
		}
	}
	return tx.setLists(ctx, u)
}

func (tx *Tx) setLists(ctx context.Context, u countersign.User) error {
	for _, r := range slices.Compact(slices.Sorted(slices.Values(u.Rights))) {
		if _, err := tx.exec(ctx, `INSERT INTO user_right (agency_id, user_id, name) VALUES ($1, $2, $3)`, tx.agency, u.ID, r); err != nil {
			return err
		}
	}
	for _, g := range slices.Compact(slices.Sorted(slices.Values(u.Groups))) {
		if _, err := tx.exec(ctx, `INSERT INTO user_group (agency_id, user_id, name) VALUES ($1, $2, $3)`, tx.agency, u.ID, g); err != nil {
			return err
		}
	}
	return nil
}

// SetPassword saves a new password hash. A zero now keeps the time of the last change: the
// same password was hashed again.
func (tx *Tx) SetPassword(ctx context.Context, id countersign.UserID, hash string, now time.Time) error {
	sealed, err := tx.db.sealPassword(tx.agency, id, hash)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		UPDATE users SET password = '', password_sealed = $3, password_at = CASE WHEN $4 = CAST(0 AS BIGINT) THEN password_at ELSE $4 END
		WHERE agency_id = $1 AND id = $2`, tx.agency, id, sealed, millis(now))
	return err
}

// OpenReset lets the user set up again until then; a zero until ends that.
func (tx *Tx) OpenReset(ctx context.Context, id countersign.UserID, now, until time.Time, by string) error {
	_, err := tx.exec(ctx, `UPDATE users SET reset_at = $3, reset_until = $4, reset_by = $5, reset_openings = 0 WHERE agency_id = $1 AND id = $2`,
		tx.agency, id, millis(now), millis(until), by)
	return err
}

// CountOpening counts a set-up that was opened after a reset with the password alone, and
// reports false beyond most (RS-03).
func (tx *Tx) CountOpening(ctx context.Context, id countersign.UserID, most int) (bool, error) {
	n, err := tx.exec(ctx, `UPDATE users SET reset_openings = reset_openings + 1 WHERE agency_id = $1 AND id = $2 AND reset_openings < $3`,
		tx.agency, id, most)
	return n == 1, err
}

// SaveOldEmail saves the previous address of the profile, so that it is notified for a while
// (RS-06).
func (tx *Tx) SaveOldEmail(ctx context.Context, id countersign.UserID, old string, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE users SET email_before = $3, email_changed = $4 WHERE agency_id = $1 AND id = $2`, tx.agency, id, old, millis(now))
	return err
}

// LeaveEnrollment saves whether the user left set-up unfinished.
func (tx *Tx) LeaveEnrollment(ctx context.Context, id countersign.UserID, left bool) error {
	_, err := tx.exec(ctx, `UPDATE users SET set_up_left = $3 WHERE agency_id = $1 AND id = $2`, tx.agency, id, left)
	return err
}

// SignedIn saves the time of the last completed sign-in.
func (tx *Tx) SignedIn(ctx context.Context, id countersign.UserID, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE users SET last_sign_in = $3 WHERE agency_id = $1 AND id = $2`, tx.agency, id, millis(now))
	return err
}

// UsersWith returns the enabled users who hold right r, or any right if r is empty, with their
// rights. Their password hashes stay sealed, as in every list.
func (tx *Tx) UsersWith(ctx context.Context, r countersign.Right) ([]countersign.User, error) {
	all, err := list(ctx, tx.sql, scanUser, `
		SELECT `+userColumns+` FROM users
		WHERE agency_id = $1 AND NOT disabled AND EXISTS (
			SELECT 1 FROM user_right r WHERE r.agency_id = users.agency_id AND r.user_id = users.id AND (r.name = $2 OR $2 = ''))
		ORDER BY folded COLLATE "C", id`, tx.agency, string(r))
	for i := range all {
		if err == nil {
			all[i].Rights, err = tx.rights(ctx, all[i].ID)
		}
	}
	return all, err
}

// UsersByEmail returns the users whose profile or verified second-factor address is email, in
// any letter case. LOWER finds those that a node of an earlier version wrote.
func (tx *Tx) UsersByEmail(ctx context.Context, email string) ([]countersign.User, error) {
	return list(ctx, tx.sql, scanUser, `
		SELECT `+userColumns+` FROM users
		WHERE agency_id = $1 AND (email_folded = $2 OR LOWER(email) = $2 OR id IN (
			SELECT f.user_id FROM factor f WHERE f.agency_id = $1 AND f.method = 'email' AND (f.folded = $2 OR LOWER(f.address) = $2)))
		ORDER BY folded COLLATE "C", id`, tx.agency, countersign.FoldEmail(email))
}

// searchText returns the text that the search of User Administration searches.
func searchText(u countersign.User) string {
	return countersign.FoldText(strings.Join([]string{u.Name, u.Login, u.Email}, "\n"))
}
