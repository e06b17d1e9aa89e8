package store

import (
	"context"

	"countersign"
)

// Uniqueness holds the user IDs and addresses of an agency's users, read once for the import
// of many users.
type Uniqueness struct {
	logins map[string]string // by normalized user ID
	emails map[string]string // by normalized address, of profiles and of verified methods
}

// Uniqueness reads the user IDs and addresses in use.
func (tx *Tx) Uniqueness(ctx context.Context) (Uniqueness, error) {
	t := Uniqueness{logins: map[string]string{}, emails: map[string]string{}}
	type row struct{ folded, login, email string }
	scan := func(scan func(...any) error) (r row, err error) {
		err = scan(&r.folded, &r.login, &r.email)
		return r, err
	}
	rows, err := list(ctx, tx.sql, scan, `SELECT folded, login, email FROM users WHERE agency_id = $1`, tx.agency)
	if err != nil {
		return t, err
	}
	methods, err := list(ctx, tx.sql, scan, `
		SELECT u.folded, u.login, f.address FROM factor f JOIN users u ON u.id = f.user_id AND u.agency_id = f.agency_id
		WHERE f.agency_id = $1 AND f.method = 'email'`, tx.agency)
	for _, r := range append(rows, methods...) {
		t.logins[r.folded] = r.login
		if r.email != "" {
			t.emails[countersign.FoldEmail(r.email)] = r.login
		}
	}
	return t, err
}

// CheckLogin returns an error that names the user if the user ID is in use.
func (t Uniqueness) CheckLogin(login string) error {
	if other, ok := t.logins[countersign.FoldLogin(login)]; ok {
		return &countersign.Error{Kind: countersign.KindConflict, Code: "user_id.taken", Field: "user_id", Args: countersign.Args{"Login": other}}
	}
	return nil
}

// Check returns an error that names the user if the address is in use: two users with one
// mailbox could read each other's tokens.
func (t Uniqueness) Check(u countersign.User) error {
	if other, ok := t.emails[countersign.FoldEmail(u.Email)]; ok {
		return &countersign.Error{Kind: countersign.KindInvalid, Code: "email.taken", Field: "email", Args: countersign.Args{"Email": u.Email, "Login": other}}
	}
	return nil
}

// LockContact locks an email address or phone number until the transaction ends. Call it
// before reading who has the address, in every transaction that assigns it to a user. SQLite
// needs no lock, because one transaction writes at a time.
func (tx *Tx) LockContact(ctx context.Context, contact string) error {
	if !tx.db.rls || contact == "" {
		return nil
	}
	all, one := "contacts of "+string(tx.agency), "contact "+countersign.FoldEmail(contact)+" of "+string(tx.agency)
	_, err := tx.exec(ctx, `SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0)), pg_advisory_xact_lock(hashtextextended($2, 0))`, all, one)
	return err
}

// LockContacts locks all addresses and numbers of the agency, as LockContact does one.
func (tx *Tx) LockContacts(ctx context.Context) error {
	if !tx.db.rls {
		return nil
	}
	_, err := tx.exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, "contacts of "+string(tx.agency))
	return err
}

// RemoveUser erases a user and everything that belongs to them. Most tables delete their rows
// with the user's; messages and links have no such foreign key.
func (tx *Tx) RemoveUser(ctx context.Context, id countersign.UserID) error {
	for _, statement := range []string{
		`DELETE FROM message WHERE agency_id = $1 AND user_id = $2`,
		`DELETE FROM link WHERE agency_id = $1 AND user_id = $2`,
		`DELETE FROM users WHERE agency_id = $1 AND id = $2`,
	} {
		if _, err := tx.exec(ctx, statement, tx.agency, id); err != nil {
			return err
		}
	}
	return nil
}
