package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"countersign"
)

// Browser returns the row that a device cookie names. ok is false if this agency has none.
func (tx *Tx) Browser(ctx context.Context, id countersign.BrowserID) (b countersign.Browser, ok bool, err error) {
	var digest string
	var created, seen int64
	err = tx.sql.QueryRowContext(ctx, `SELECT id, digest, created, seen FROM browser WHERE agency_id = $1 AND id = $2`, tx.agency, id).
		Scan(&b.ID, &digest, &created, &seen)
	if errors.Is(err, sql.ErrNoRows) {
		return b, false, nil
	}
	b.Digest, b.Created, b.Seen = []byte(digest), instant(created), instant(seen)
	return b, err == nil, err
}

// SaveBrowser adds a browser, or saves its new secret and when it was seen.
func (tx *Tx) SaveBrowser(ctx context.Context, b countersign.Browser) error {
	_, err := tx.exec(ctx, `
		INSERT INTO browser (agency_id, id, digest, created, seen) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, seen = excluded.seen WHERE browser.agency_id = excluded.agency_id`,
		tx.agency, b.ID, string(b.Digest), millis(b.Created), millis(b.Seen))
	return err
}

// SharedBrowser reports whether other users have connections in a browser.
func (tx *Tx) SharedBrowser(ctx context.Context, id countersign.BrowserID, user countersign.UserID) (bool, error) {
	var shared bool
	err := tx.sql.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM device WHERE agency_id = $1 AND browser_id = $2 AND user_id <> $3)`,
		tx.agency, id, user).Scan(&shared)
	return shared, err
}

// PruneBrowsers removes browsers of all agencies that were last seen before the given time and
// never completed a sign-in.
func (db *DB) PruneBrowsers(ctx context.Context, before time.Time) error {
	_, err := db.execInAllAgencies(ctx, `
		DELETE FROM browser WHERE seen < $1 AND NOT EXISTS (
			SELECT 1 FROM device WHERE device.agency_id = browser.agency_id AND device.browser_id = browser.id)`, millis(before))
	return err
}

var deviceColumns = columns("id", "user_id", "browser_id", "family", "os", "product", "ip",
	"first_seen", "last_seen", "proved", "last_token", "forgotten", "forgotten_why", "declined")

func scanDevice(scan func(...any) error) (countersign.Device, error) {
	var d countersign.Device
	var ip string
	var first, last, proved, token, forgotten int64
	err := scan(&d.ID, &d.User, &d.Browser, &d.Client.Browser, &d.Client.OS, &d.Client.Product, &ip,
		&first, &last, &proved, &token, &forgotten, &d.ForgottenReason, &d.Declined)
	d.Client.IP = address(ip)
	d.FirstSeen, d.LastSeen, d.Proved = instant(first), instant(last), instant(proved)
	d.LastToken, d.Forgotten = instant(token), instant(forgotten)
	return d, err
}

// Devices returns all connections of a user, the most recently used first.
func (tx *Tx) Devices(ctx context.Context, user countersign.UserID) ([]countersign.Device, error) {
	return list(ctx, tx.sql, scanDevice,
		`SELECT `+deviceColumns+` FROM device WHERE agency_id = $1 AND user_id = $2 ORDER BY last_seen DESC, id`, tx.agency, user)
}

// SaveDevice adds or updates a connection.
func (tx *Tx) SaveDevice(ctx context.Context, d countersign.Device) error {
	_, err := tx.exec(ctx, `
		INSERT INTO device (agency_id, id, user_id, browser_id, family, os, product, network, ip,
			first_seen, last_seen, proved, last_token, forgotten, forgotten_why, declined)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		ON CONFLICT (user_id, browser_id, family, os, product, network) DO UPDATE SET
			ip = excluded.ip, last_seen = excluded.last_seen, proved = excluded.proved, last_token = excluded.last_token,
			forgotten = excluded.forgotten, forgotten_why = excluded.forgotten_why, declined = excluded.declined`,
		tx.agency, d.ID, d.User, d.Browser, d.Client.Browser, d.Client.OS, d.Client.Product, d.Client.Network(), addressText(d.Client.IP),
		millis(d.FirstSeen), millis(d.LastSeen), millis(d.Proved), millis(d.LastToken), millis(d.Forgotten), d.ForgottenReason, d.Declined)
	return err
}

// TrimDevices removes all but the n most recently used connections of a user.
func (tx *Tx) TrimDevices(ctx context.Context, user countersign.UserID, n int) error {
	_, err := tx.exec(ctx, `
		DELETE FROM device WHERE agency_id = $1 AND user_id = $2 AND id NOT IN (
			SELECT d.id FROM device d WHERE d.agency_id = $1 AND d.user_id = $2 ORDER BY d.last_seen DESC, d.id LIMIT $3)`,
		tx.agency, user, n)
	return err
}

const forget = `UPDATE device SET proved = 0, forgotten = $2, forgotten_why = $3 WHERE agency_id = $1 AND proved > 0`

// ForgetDevices forgets all remembered devices of a user and returns how many there were.
func (tx *Tx) ForgetDevices(ctx context.Context, user countersign.UserID, why countersign.Forgotten, now time.Time) (int, error) {
	n, err := tx.exec(ctx, forget+` AND user_id = $4`, tx.agency, millis(now), why, user)
	return int(n), err
}

// ForgetAllDevices forgets every remembered device of the agency and returns how many there
// were.
func (tx *Tx) ForgetAllDevices(ctx context.Context, why countersign.Forgotten, now time.Time) (int, error) {
	n, err := tx.exec(ctx, forget, tx.agency, millis(now), why)
	return int(n), err
}
