package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"countersign"
)

// A browser has one device cookie. What a user decides about a device applies to its browser,
// at every network address it was used from (DV-08).

// DeviceBrowser returns the browser of one of the user's connections and reports whether that
// connection is remembered. An empty ID means that there is no such connection.
func (tx *Tx) DeviceBrowser(ctx context.Context, user countersign.UserID, id countersign.DeviceID) (b countersign.BrowserID, remembered bool, err error) {
	err = tx.sql.QueryRowContext(ctx, `SELECT browser_id, proved > 0 FROM device WHERE agency_id = $1 AND user_id = $2 AND id = $3`,
		tx.agency, user, id).Scan(&b, &remembered)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return b, remembered, err
}

// FirstSeen returns when a user was first seen in a browser, at any network address; zero: never.
func (tx *Tx) FirstSeen(ctx context.Context, user countersign.UserID, b countersign.BrowserID) (time.Time, error) {
	var first int64
	err := tx.sql.QueryRowContext(ctx, `SELECT COALESCE(MIN(first_seen), 0) FROM device WHERE agency_id = $1 AND user_id = $2 AND browser_id = $3`,
		tx.agency, user, b).Scan(&first)
	return instant(first), err
}

// ForgetBrowser forgets a user's browser at every network address, remembered or not. From now
// on the browser is unknown to that user.
func (tx *Tx) ForgetBrowser(ctx context.Context, user countersign.UserID, b countersign.BrowserID, why countersign.Forgotten, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE device SET proved = 0, forgotten = $4, forgotten_why = $5 WHERE agency_id = $1 AND user_id = $2 AND browser_id = $3`,
		tx.agency, user, b, millis(now), why)
	return err
}

// ForgetBrowsers forgets all browsers of a user, as ForgetBrowser does one.
func (tx *Tx) ForgetBrowsers(ctx context.Context, user countersign.UserID, why countersign.Forgotten, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE device SET proved = 0, forgotten = $3, forgotten_why = $4 WHERE agency_id = $1 AND user_id = $2`,
		tx.agency, user, millis(now), why)
	return err
}

// ForgetSince forgets the connections of a user that were first seen at since or later.
func (tx *Tx) ForgetSince(ctx context.Context, user countersign.UserID, since time.Time, why countersign.Forgotten, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE device SET proved = 0, forgotten = $4, forgotten_why = $5 WHERE agency_id = $1 AND user_id = $2 AND first_seen >= $3`,
		tx.agency, user, millis(since), millis(now), why)
	return err
}

// DeclineBrowser records the user's choice not to be remembered in a browser, at every network
// address.
func (tx *Tx) DeclineBrowser(ctx context.Context, user countersign.UserID, b countersign.BrowserID) error {
	_, err := tx.exec(ctx, `UPDATE device SET declined = TRUE, proved = 0 WHERE agency_id = $1 AND user_id = $2 AND browser_id = $3`,
		tx.agency, user, b)
	return err
}

// AcceptBrowser revokes the choice that DeclineBrowser records. It does not remember the
// browser.
func (tx *Tx) AcceptBrowser(ctx context.Context, user countersign.UserID, b countersign.BrowserID) error {
	_, err := tx.exec(ctx, `UPDATE device SET declined = FALSE WHERE agency_id = $1 AND user_id = $2 AND browser_id = $3`, tx.agency, user, b)
	return err
}

// otherSessions selects a user's ($2) sessions in a browser ($3), except one ($4).
const otherSessions = `session.user_id = $2 AND ` + sessionBrowser + ` = $3 AND session.id <> $4`

// EndBrowser ends a user's live sessions in one browser, other than except (empty: all of
// them). It also removes the attempts that any of those sessions started, ended ones
// included.
func (tx *Tx) EndBrowser(ctx context.Context, user countersign.UserID, b countersign.BrowserID, except countersign.SessionID, why string, now time.Time) error {
	_, err := tx.exec(ctx, `DELETE FROM attempt WHERE agency_id = $1 AND user_id = $2 AND session_id IN (SELECT id FROM session WHERE agency_id = $1 AND `+otherSessions+`)`,
		tx.agency, user, b, except)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE session SET ended = $5, ended_why = $6 WHERE agency_id = $1 AND ended = 0 AND `+otherSessions,
		tx.agency, user, b, except, millis(now), why)
	return err
}

// A ChangeKind names what a session changed about its user.
type ChangeKind string

// The kinds of changes. Each comment says what Ref and Was hold.
const (
	ChangeMethod   ChangeKind = "method"   // a method was added; Ref: ID of its factor
	ChangePasskey  ChangeKind = "passkey"  // a passkey was added; Ref: its ID
	ChangeTokensTo ChangeKind = "tokens"   // tokens go to another email address or number; Ref: the new one, Was: the old one
	ChangeEmail    ChangeKind = "email"    // the profile's email address changed; Ref: the new one, Was: the old one
	ChangePhone    ChangeKind = "phone"    // the profile's mobile phone changed; Ref: the new one, Was: the old one
	ChangeDefault  ChangeKind = "default"  // the Default changed; Ref: the new method, Was: the old one
	ChangeName     ChangeKind = "name"     // a passkey was renamed; Ref: its ID, a space, the new name; Was: the old name
	ChangeCodes    ChangeKind = "recovery" // recovery codes were generated
	ChangeReset    ChangeKind = "reset"    // Reset/Disable
	ChangePassword ChangeKind = "password" // the password changed
)

// A SessionChange records what a session in a browser changed about its user.
type SessionChange struct {
	User    countersign.UserID
	Browser countersign.BrowserID
	At      time.Time
	Kind    ChangeKind
	Ref     string
	Was     string
}

// RecordChange saves a change, so that it can be undone if the user reports the sign-in as not
// theirs.
func (tx *Tx) RecordChange(ctx context.Context, c SessionChange) error {
	if c.Browser == "" {
		return nil
	}
	_, err := tx.exec(ctx, `INSERT INTO session_change (agency_id, user_id, browser_id, at, kind, ref, was) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		tx.agency, c.User, c.Browser, millis(c.At), c.Kind, c.Ref, c.Was)
	return err
}

// TakeLaterChanges does what TakeChanges does, for every browser that the user was first seen
// in at since or later: an intruder's later sign-ins may depend on changes made in another
// browser.
func (tx *Tx) TakeLaterChanges(ctx context.Context, user countersign.UserID, since time.Time) ([]SessionChange, error) {
	return list(ctx, tx.sql, func(scan func(...any) error) (SessionChange, error) {
		c := SessionChange{User: user}
		var at int64
		err := scan(&c.Browser, &at, &c.Kind, &c.Ref, &c.Was)
		c.At = instant(at)
		return c, err
	}, `DELETE FROM session_change WHERE agency_id = $1 AND user_id = $2 AND at >= $3
		AND browser_id NOT IN (SELECT browser_id FROM device WHERE agency_id = $1 AND user_id = $2 AND first_seen < $3)
		RETURNING browser_id, at, kind, ref, was`,
		tx.agency, user, millis(since))
}

// TakeChanges removes and returns what a browser changed about a user at since or later.
func (tx *Tx) TakeChanges(ctx context.Context, user countersign.UserID, b countersign.BrowserID, since time.Time) ([]SessionChange, error) {
	return list(ctx, tx.sql, func(scan func(...any) error) (SessionChange, error) {
		c := SessionChange{User: user, Browser: b}
		var at int64
		err := scan(&at, &c.Kind, &c.Ref, &c.Was)
		c.At = instant(at)
		return c, err
	}, `DELETE FROM session_change WHERE agency_id = $1 AND user_id = $2 AND browser_id = $3 AND at >= $4 RETURNING at, kind, ref, was`,
		tx.agency, user, b, millis(since))
}
