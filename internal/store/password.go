package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"countersign"
	"countersign/internal/secret"
)

// requestAAD names the row that a typed user ID is sealed for. It is sealed because it may be
// a password, typed into the wrong field.
func requestAAD(agency countersign.AgencyID, id string) string {
	return fmt.Sprintf("link_ask.login/%s/%s", agency, id)
}

// SpendResetRequest counts one request for a password link and reports false if the network
// has none left in its hour. It is one conditional write, so that at most limit simultaneous
// requests succeed.
func (tx *Tx) SpendResetRequest(ctx context.Context, network string, now time.Time, hour time.Duration, limit int) (bool, error) {
	n, err := tx.exec(ctx, `
		INSERT INTO link_network (agency_id, network, since, asked) VALUES ($1, $2, $3, 1)
		ON CONFLICT (agency_id, network) DO UPDATE SET
			asked = CASE WHEN link_network.since <= $4 THEN 1 ELSE link_network.asked + 1 END,
			since = CASE WHEN link_network.since <= $4 THEN excluded.since ELSE link_network.since END
		WHERE link_network.since <= $4 OR link_network.asked < $5`,
		tx.agency, network, millis(now), millis(now.Add(-hour)), limit)
	return n == 1, err
}

// AddResetRequest saves a request for a password link until its mail is written.
func (tx *Tx) AddResetRequest(ctx context.Context, a countersign.ResetRequest) error {
	sealed, err := tx.db.box.Seal([]byte(a.Login), requestAAD(tx.agency, a.ID))
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO link_ask (agency_id, id, login, ip, family, os, request, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		tx.agency, a.ID, sealed, addressText(a.Client.IP), a.Client.Browser, a.Client.OS, a.Request, millis(a.At))
	return err
}

// scanResetRequest reads a request. A login that can't be decrypted in its row becomes empty,
// so that the request matches no user and does not block the others.
func (db *DB) scanResetRequest(scan func(...any) error) (countersign.ResetRequest, error) {
	var a countersign.ResetRequest
	var sealed []byte
	var ip string
	var at int64
	if err := scan(&a.Agency, &a.ID, &sealed, &ip, &a.Client.Browser, &a.Client.OS, &a.Request, &at); err != nil {
		return a, err
	}
	login, err := db.box.Open(sealed, requestAAD(a.Agency, a.ID))
	if errors.Is(err, secret.ErrOtherPlace) {
		login, err = nil, nil
	}
	a.Login, a.Client.IP, a.At = string(login), address(ip), instant(at)
	return a, err
}

// ResetRequests returns pending requests for password links of all agencies, oldest first.
func (db *DB) ResetRequests(ctx context.Context, limit int) ([]countersign.ResetRequest, error) {
	var all []countersign.ResetRequest
	err := db.inAllAgencies(ctx, db.read, func(t *sql.Tx) (err error) {
		all, err = list(ctx, t, db.scanResetRequest, `SELECT agency_id, id, login, ip, family, os, request, at FROM link_ask ORDER BY at, id LIMIT $1`, limit)
		return err
	})
	return all, err
}

// TakeResetRequest removes a request for a password link and reports false if another node did
// so first. Its mail is written in the same transaction, so only once.
func (tx *Tx) TakeResetRequest(ctx context.Context, id string) (bool, error) {
	n, err := tx.exec(ctx, `DELETE FROM link_ask WHERE agency_id = $1 AND id = $2`, tx.agency, id)
	return n == 1, err
}

// EndLinks removes all activation and password links of a user, so that they are useless to
// someone who reads the mailbox later (PW-06).
func (tx *Tx) EndLinks(ctx context.Context, user countersign.UserID) error {
	_, err := tx.exec(ctx, `DELETE FROM link WHERE agency_id = $1 AND user_id = $2 AND purpose IN ($3, $4)`,
		tx.agency, user, countersign.LinkActivate, countersign.LinkPassword)
	return err
}

// RotateSession gives a session a new ID, and so a new secret. What was proved stays (SE-01).
func (tx *Tx) RotateSession(ctx context.Context, id, renewed countersign.SessionID, now time.Time) error {
	var same countersign.SessionID
	err := tx.sql.QueryRowContext(ctx, `
		UPDATE session SET id = $3, last_seen = $4 WHERE agency_id = $1 AND id = $2 AND ended = 0 RETURNING id`,
		tx.agency, id, renewed, millis(now)).Scan(&same)
	if errors.Is(err, sql.ErrNoRows) {
		return &countersign.Error{Kind: countersign.SignedOut, Code: "session.none"}
	}
	return err
}

// PruneResetRequests removes unanswered requests for password links and the counts of
// networks, of all agencies.
func (db *DB) PruneResetRequests(ctx context.Context, before time.Time) error {
	for _, statement := range []string{`DELETE FROM link_ask WHERE at < $1`, `DELETE FROM link_network WHERE since < $1`} {
		if _, err := db.execInAllAgencies(ctx, statement, millis(before)); err != nil {
			return err
		}
	}
	return nil
}
