package store

import (
	"context"
	"database/sql"
	"time"

	"countersign"
)

var warningColumns = columns("id", "user_id", "at", "ip", "browser", "os", "product", "wrong", "due", "told", "seen", "browser_id")

func scanWarning(scan func(...any) error) (countersign.Warning, error) {
	var w countersign.Warning
	var at, due int64
	var ip string
	err := scan(&w.ID, &w.User, &at, &ip, &w.Client.Browser, &w.Client.OS, &w.Client.Product, &w.Wrong, &due, &w.Notified, &w.Dismissed, &w.Browser)
	w.At, w.Due, w.Client.IP = instant(at), instant(due), address(ip)
	return w, err
}

// maxWarnings is how many warnings are kept for a user.
const maxWarnings = 50

// AddWarning saves a sign-in whose second factor failed or never came. It replaces the warning
// instead (empty: none). Only the newest are kept, unanswered ones first: someone who knows
// the password can fill neither the database nor the user's home page (TH-07).
func (tx *Tx) AddWarning(ctx context.Context, w countersign.Warning, instead string) error {
	if instead != "" {
		if err := tx.DropWarning(ctx, instead); err != nil {
			return err
		}
	}
	if err := tx.addWarning(ctx, w); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `
		DELETE FROM warning WHERE agency_id = $1 AND user_id = $2 AND id NOT IN (
			SELECT id FROM warning WHERE agency_id = $1 AND user_id = $2 ORDER BY seen, at DESC, id LIMIT $3)`,
		tx.agency, w.User, maxWarnings)
	return err
}

func (tx *Tx) addWarning(ctx context.Context, w countersign.Warning) error {
	_, err := tx.exec(ctx, `
		INSERT INTO warning (agency_id, id, user_id, at, ip, browser, os, product, wrong, due, told, seen, browser_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, FALSE, $12)`,
		tx.agency, w.ID, w.User, millis(w.At), addressText(w.Client.IP), w.Client.Browser, w.Client.OS, w.Client.Product, w.Wrong,
		millis(w.Due), w.Notified, w.Browser)
	return err
}

// Warnings returns a user's warnings that were sent and not dismissed, newest first.
func (tx *Tx) Warnings(ctx context.Context, user countersign.UserID) ([]countersign.Warning, error) {
	return list(ctx, tx.sql, scanWarning, `
		SELECT `+warningColumns+` FROM warning WHERE agency_id = $1 AND user_id = $2 AND told AND NOT seen ORDER BY at DESC, id LIMIT 100`, tx.agency, user)
}

// DueWarnings returns a user's warnings that were not sent yet, oldest first.
func (tx *Tx) DueWarnings(ctx context.Context, user countersign.UserID) ([]countersign.Warning, error) {
	return list(ctx, tx.sql, scanWarning, `
		SELECT `+warningColumns+` FROM warning WHERE agency_id = $1 AND user_id = $2 AND NOT told ORDER BY at, id`, tx.agency, user)
}

// SetWarningNotified marks a warning as sent.
func (tx *Tx) SetWarningNotified(ctx context.Context, id string) error {
	_, err := tx.exec(ctx, `UPDATE warning SET told = TRUE WHERE agency_id = $1 AND id = $2`, tx.agency, id)
	return err
}

// DropWarning removes a warning because the user turned out to have signed in themselves.
func (tx *Tx) DropWarning(ctx context.Context, id string) error {
	_, err := tx.exec(ctx, `DELETE FROM warning WHERE agency_id = $1 AND id = $2`, tx.agency, id)
	return err
}

// DismissWarnings marks all sent warnings of a user as dismissed and returns how many there
// were.
func (tx *Tx) DismissWarnings(ctx context.Context, user countersign.UserID) (int, error) {
	n, err := tx.exec(ctx, `UPDATE warning SET seen = TRUE WHERE agency_id = $1 AND user_id = $2 AND told AND NOT seen`, tx.agency, user)
	return int(n), err
}

// A Due is a record of an agency that is due.
type Due struct {
	Agency countersign.AgencyID
	ID     string
	User   countersign.UserID
}

func scanDue(scan func(...any) error) (d Due, err error) { return d, scan(&d.Agency, &d.ID, &d.User) }

// ExpiredAttempts returns up to limit expired attempts of all agencies.
func (db *DB) ExpiredAttempts(ctx context.Context, now time.Time, limit int) ([]Due, error) {
	return db.due(ctx, `SELECT agency_id, id, user_id FROM attempt WHERE expires <= $1 ORDER BY expires, id LIMIT $2`, millis(now), limit)
}

// DueWarnings returns up to limit warnings of all agencies that are due.
func (db *DB) DueWarnings(ctx context.Context, now time.Time, limit int) ([]Due, error) {
	return db.due(ctx, `SELECT agency_id, id, user_id FROM warning WHERE NOT told AND due <= $1 ORDER BY due, id LIMIT $2`, millis(now), limit)
}

func (db *DB) due(ctx context.Context, query string, args ...any) (all []Due, err error) {
	err = db.inAllAgencies(ctx, db.read, func(t *sql.Tx) error {
		all, err = list(ctx, t, scanDue, query, args...)
		return err
	})
	return all, err
}

// PruneWarnings removes sent warnings, of all agencies, from before the given time.
func (db *DB) PruneWarnings(ctx context.Context, before time.Time) error {
	_, err := db.execInAllAgencies(ctx, `DELETE FROM warning WHERE at < $1 AND told`, millis(before))
	return err
}

// UserAttempts returns all attempts of a user, oldest first.
func (tx *Tx) UserAttempts(ctx context.Context, user countersign.UserID) ([]countersign.Attempt, error) {
	return list(ctx, tx.sql, tx.scanAttempt, `SELECT `+attemptColumns+` FROM attempt WHERE agency_id = $1 AND user_id = $2 ORDER BY started, id`, tx.agency, user)
}
