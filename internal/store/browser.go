package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"countersign"
)

// A browser holds one device cookie. Whatever a user says about a device is said
// about its browser: it may have been at several addresses (DV-08).

// DeviceBrowser is the browser of one of the user's connections, and whether
// that connection is remembered; empty: there is no such connection.
func (tx *Tx) DeviceBrowser(ctx context.Context, user countersign.UserID, id countersign.DeviceID) (b countersign.BrowserID, remembered bool, err error) {
	err = tx.sql.QueryRowContext(ctx, `SELECT browser_id, proved > 0 FROM device WHERE agency_id = $1 AND user_id = $2 AND id = $3`,
		tx.agency, user, id).Scan(&b, &remembered)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return b, remembered, err
}

// ForgetBrowser forgets a browser of a user at every address, remembered or not:
// from now on it is one that the user doesn't know.
func (tx *Tx) ForgetBrowser(ctx context.Context, user countersign.UserID, b countersign.BrowserID, why countersign.Forgotten, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE device SET proved = 0, forgotten = $4, forgotten_why = $5 WHERE agency_id = $1 AND user_id = $2 AND browser_id = $3`,
		tx.agency, user, b, millis(now), why)
	return err
}

// ForgetBrowsers is ForgetBrowser for all browsers of a user.
func (tx *Tx) ForgetBrowsers(ctx context.Context, user countersign.UserID, why countersign.Forgotten, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE device SET proved = 0, forgotten = $3, forgotten_why = $4 WHERE agency_id = $1 AND user_id = $2`,
		tx.agency, user, millis(now), why)
	return err
}

// ForgetSince is ForgetBrowser for the connections of a user that are first seen
// at since or later.
func (tx *Tx) ForgetSince(ctx context.Context, user countersign.UserID, since time.Time, why countersign.Forgotten, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE device SET proved = 0, forgotten = $4, forgotten_why = $5 WHERE agency_id = $1 AND user_id = $2 AND first_seen >= $3`,
		tx.agency, user, millis(since), millis(now), why)
	return err
}

// DeclineBrowser keeps the user's choice not to be remembered in a browser, at
// every address.
func (tx *Tx) DeclineBrowser(ctx context.Context, user countersign.UserID, b countersign.BrowserID) error {
	_, err := tx.exec(ctx, `UPDATE device SET declined = TRUE, proved = 0 WHERE agency_id = $1 AND user_id = $2 AND browser_id = $3`,
		tx.agency, user, b)
	return err
}

// AcceptBrowser takes that choice back. Nothing is remembered by it.
func (tx *Tx) AcceptBrowser(ctx context.Context, user countersign.UserID, b countersign.BrowserID) error {
	_, err := tx.exec(ctx, `UPDATE device SET declined = FALSE WHERE agency_id = $1 AND user_id = $2 AND browser_id = $3`, tx.agency, user, b)
	return err
}

// otherSessions selects the sessions of a browser ($3) of a user but one ($4).
const otherSessions = `session.user_id = $2 AND ` + sessionBrowser + ` = $3 AND session.id <> $4`

// EndBrowser ends the live sessions of one browser of a user but one (empty: all),
// and what was begun from any of its other sessions, ended ones included.
func (tx *Tx) EndBrowser(ctx context.Context, user countersign.UserID, b countersign.BrowserID, but countersign.SessionID, why string, now time.Time) error {
	_, err := tx.exec(ctx, `DELETE FROM attempt WHERE agency_id = $1 AND user_id = $2 AND session_id IN (SELECT id FROM session WHERE agency_id = $1 AND `+otherSessions+`)`,
		tx.agency, user, b, but)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE session SET ended = $5, ended_why = $6 WHERE agency_id = $1 AND ended = 0 AND `+otherSessions,
		tx.agency, user, b, but, millis(now), why)
	return err
}

// A ChangeKind says what a session changed about its user.
type ChangeKind string

// The kinds of changes, with what Ref and Was are.
const (
	ChangeMethod   ChangeKind = "method"   // a method was added: the ID of its factor
	ChangePasskey  ChangeKind = "passkey"  // a passkey was added: its ID
	ChangeTokensTo ChangeKind = "tokens"   // tokens go to another email address or number: the new one, the one before
	ChangeEmail    ChangeKind = "email"    // the profile has another email address: the new one, the one before
	ChangePhone    ChangeKind = "phone"    // the profile has another mobile phone: the new one, the one before
	ChangeDefault  ChangeKind = "default"  // another method is the Default: the new one, the one before
	ChangeName     ChangeKind = "name"     // a passkey has another name: its ID, a space and the new one, the one before
	ChangeCodes    ChangeKind = "recovery" // recovery codes were made
	ChangeReset    ChangeKind = "reset"    // Reset/Disable
)

// A SessionChange is something that a session of a browser changed about its user.
type SessionChange struct {
	User    countersign.UserID
	Browser countersign.BrowserID
	At      time.Time
	Kind    ChangeKind
	Ref     string
	Was     string
}

// RecordChange keeps a change, for the case that its session is disowned.
func (tx *Tx) RecordChange(ctx context.Context, c SessionChange) error {
	if c.Browser == "" {
		return nil
	}
	_, err := tx.exec(ctx, `INSERT INTO session_change (agency_id, user_id, browser_id, at, kind, ref, was) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		tx.agency, c.User, c.Browser, millis(c.At), c.Kind, c.Ref, c.Was)
	return err
}

// TakeLaterChanges is TakeChanges for every browser in which the user was not seen
// before since: whoever opened those may rest on what was changed elsewhere.
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

// TakeChanges removes what a browser changed about a user at since or later, and
// returns it.
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
