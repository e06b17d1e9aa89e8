package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"countersign"
)

var messageColumns = columns("id", "agency_id", "user_id", "kind", "channel", "recipient", "data", "reference", "urgent",
	"created", "due", "expires", "claimed", "tries", "state", "server", "answer", "done", "used",
	"route", "tag", "receipt", "receipt_at", "network", "findings", "reason")

// messageAAD names the row that a message's data is sealed for.
func messageAAD(agency countersign.AgencyID, id countersign.MessageID) string {
	return fmt.Sprintf("message.data/%s/%s", agency, id)
}

func (db *DB) scanMessage(scan func(...any) error) (countersign.Message, error) {
	var m countersign.Message
	var sealed []byte
	var created, due, expires, claimed, done, receiptAt int64
	var findings string
	err := scan(&m.ID, &m.Agency, &m.User, &m.Kind, &m.Channel, &m.To, &sealed, &m.Reference, &m.Urgent,
		&created, &due, &expires, &claimed, &m.Tries, &m.State, &m.Server, &m.Answer, &done, &m.Used,
		&m.Route, &m.Tag, &m.Receipt, &receiptAt, &m.Network, &findings, &m.Reason)
	if err != nil {
		return m, err
	}
	if findings != "" {
		if err := json.Unmarshal([]byte(findings), &m.Findings); err != nil {
			return m, fmt.Errorf("read findings of message %s: %w", m.ID, err)
		}
	}
	m.Created, m.Due, m.Expires, m.Claimed, m.Done = instant(created), instant(due), instant(expires), instant(claimed), instant(done)
	m.ReceiptAt = instant(receiptAt)
	if len(sealed) == 0 {
		return m, nil
	}
	plain, err := db.box.Open(sealed, messageAAD(m.Agency, m.ID))
	if err != nil {
		m.State, m.Answer = countersign.StateRefused, messageBroken
		return m, nil
	}
	return m, json.Unmarshal(plain, &m.Data)
}

// messageBroken is the answer recorded for a message whose data can't be decrypted. It is
// refused for good, so that it does not block the messages behind it (KY-01).
const messageBroken = "not sent: this message was moved or changed in the database"

// refuseBroken refuses the claimed messages that can't be decrypted and returns the others.
func refuseBroken(ctx context.Context, t *sql.Tx, now time.Time, claimed []countersign.Message) ([]countersign.Message, error) {
	var whole []countersign.Message
	for _, m := range claimed {
		if m.Answer != messageBroken {
			whole = append(whole, m)
			continue
		}
		_, err := t.ExecContext(ctx, `UPDATE message SET state = $3, answer = $4, done = $5, data = $6 WHERE agency_id = $1 AND id = $2`,
			m.Agency, m.ID, string(m.State), m.Answer, millis(now), []byte{})
		if err != nil {
			return nil, err
		}
	}
	return whole, nil
}

// AddMessage adds a message to the outbox, in the transaction of the change that it reports.
func (tx *Tx) AddMessage(ctx context.Context, m countersign.Message) error {
	plain, err := json.Marshal(m.Data)
	if err != nil {
		return err
	}
	sealed, err := tx.db.box.Seal(plain, messageAAD(tx.agency, m.ID))
	if err != nil {
		return err
	}
	return tx.insertMessage(ctx, m, sealed)
}

func (tx *Tx) insertMessage(ctx context.Context, m countersign.Message, sealed []byte) error {
	if m.State == "" {
		m.State = countersign.StateWaiting
	}
	_, err := tx.exec(ctx, `
		INSERT INTO message (agency_id, id, user_id, kind, channel, recipient, data, reference, urgent,
			created, due, expires, claimed, tries, state, server, answer, done, used, network, prefix, folded)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, $13, $18, $14, $15, FALSE, $16, $17, $19)`,
		tx.agency, m.ID, m.User, m.Kind, m.Channel, m.To, sealed, m.Reference, m.Urgent,
		millis(m.Created), millis(m.Due), millis(m.Expires), m.State, m.Answer, millis(m.Done), m.Network, prefix(m), m.Server, countersign.FoldEmail(m.To))
	return err
}

// prefix returns a phone number without its last four digits, which neighboring numbers share;
// "" for mail.
func prefix(m countersign.Message) string {
	if m.Channel != countersign.ChannelSMS || len(m.To) < 5 {
		return ""
	}
	return m.To[:len(m.To)-4]
}

// Message returns one message of the agency.
func (tx *Tx) Message(ctx context.Context, id countersign.MessageID) (countersign.Message, error) {
	m, err := tx.db.scanMessage(tx.sql.QueryRowContext(ctx,
		`SELECT `+messageColumns+` FROM message WHERE agency_id = $1 AND id = $2`, tx.agency, id).Scan)
	return m, notFound(err, "message.unknown")
}

// Messages returns the newest messages to a user, newest first.
func (tx *Tx) Messages(ctx context.Context, user countersign.UserID, limit int) ([]countersign.Message, error) {
	return list(ctx, tx.sql, tx.db.scanMessage, `
		SELECT `+messageColumns+` FROM message WHERE agency_id = $1 AND user_id = $2 ORDER BY created DESC, id LIMIT $3`, tx.agency, user, limit)
}

// NthToken returns when the nth newest unsuccessful token of a user since then was created;
// zero if there are fewer than n.
func (tx *Tx) NthToken(ctx context.Context, user countersign.UserID, since time.Time, n int) (time.Time, error) {
	return tx.created(ctx, `
		SELECT created FROM message WHERE agency_id = $1 AND user_id = $2 AND kind = $3 AND created > $4 AND NOT used AND state <> 'held'
		ORDER BY created DESC LIMIT 1 OFFSET $5`, tx.agency, user, countersign.MessageToken, millis(since), n-1)
}

// NthTokenTo does what NthToken does, for an address or number, whichever user got the token.
func (tx *Tx) NthTokenTo(ctx context.Context, to string, since time.Time, n int) (time.Time, error) {
	return tx.created(ctx, `
		SELECT created FROM message WHERE agency_id = $1 AND (folded = $2 OR LOWER(recipient) = $2) AND kind = $3 AND created > $4 AND NOT used AND state <> 'held'
		ORDER BY created DESC LIMIT 1 OFFSET $5`, tx.agency, countersign.FoldEmail(to), countersign.MessageToken, millis(since), n-1)
}

// NthTokenFrom does what NthToken does, for text messages that were requested from a network.
func (tx *Tx) NthTokenFrom(ctx context.Context, network string, since time.Time, n int) (time.Time, error) {
	return tx.created(ctx, `
		SELECT created FROM message
		WHERE agency_id = $1 AND network = $2 AND channel = 'sms' AND kind = $3 AND created > $4 AND NOT used AND state <> 'held'
		ORDER BY created DESC LIMIT 1 OFFSET $5`, tx.agency, network, countersign.MessageToken, millis(since), n-1)
}

// NthOfKind returns when the nth newest message of a kind since then was created, for any
// recipient; zero if there are fewer than n.
func (tx *Tx) NthOfKind(ctx context.Context, kind countersign.MessageKind, since time.Time, n int) (time.Time, error) {
	return tx.created(ctx, `SELECT created FROM message WHERE agency_id = $1 AND kind = $2 AND created > $3 ORDER BY created DESC LIMIT 1 OFFSET $4`,
		tx.agency, kind, millis(since), n-1)
}

// created returns the time that a query finds; zero if it finds nothing.
func (tx *Tx) created(ctx context.Context, query string, args ...any) (time.Time, error) {
	var at int64
	err := tx.sql.QueryRowContext(ctx, query, args...).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return instant(at), err
}

// CountMessagesAbout counts the messages of a kind to a user since then.
func (tx *Tx) CountMessagesAbout(ctx context.Context, user countersign.UserID, kind countersign.MessageKind, since time.Time) (int, error) {
	var n int
	err := tx.sql.QueryRowContext(ctx, `SELECT count(*) FROM message WHERE agency_id = $1 AND user_id = $2 AND kind = $3 AND created > $4`,
		tx.agency, user, kind, millis(since)).Scan(&n)
	return n, err
}

// WithdrawMessages removes the messages that no worker has tried to send.
func (tx *Tx) WithdrawMessages(ctx context.Context, ids []countersign.MessageID) error {
	for _, id := range ids {
		_, err := tx.exec(ctx, `DELETE FROM message WHERE agency_id = $1 AND id = $2 AND state = 'waiting' AND tries = 0`, tx.agency, id)
		if err != nil {
			return err
		}
	}
	return nil
}

// UseToken marks a token that was accepted. It no longer counts against the quotas.
func (tx *Tx) UseToken(ctx context.Context, id countersign.MessageID) error {
	_, err := tx.exec(ctx, `UPDATE message SET used = TRUE WHERE agency_id = $1 AND id = $2`, tx.agency, id)
	return err
}

// DropToken keeps an invalid token from being sent, if it wasn't yet.
func (tx *Tx) DropToken(ctx context.Context, id countersign.MessageID, now time.Time) error {
	_, err := tx.exec(ctx, `
		UPDATE message SET state = $3, data = $4, done = $5 WHERE agency_id = $1 AND id = $2 AND state IN ('waiting', 'sending')`,
		tx.agency, id, countersign.StateDropped, []byte{}, millis(now))
	return err
}

// DropTokens does what DropToken does, for every token of a user.
func (tx *Tx) DropTokens(ctx context.Context, user countersign.UserID, now time.Time) error {
	_, err := tx.exec(ctx, `
		UPDATE message SET state = $4, data = $5, done = $6 WHERE agency_id = $1 AND user_id = $2 AND kind = $3 AND state IN ('waiting', 'sending')`,
		tx.agency, user, countersign.MessageToken, countersign.StateDropped, []byte{}, millis(now))
	return err
}

// A Class selects which messages are claimed.
type Class int

// The classes.
const (
	AnyMessage       Class = iota
	ClassFreshTokens       // not yet handed to any server
	ClassTriedTokens
	ClassOther
)

// A Claim says what one node takes at once.
type Claim struct {
	Class    Class
	Channels []countersign.Channel
	Lease    time.Duration // until it ends, no other node takes them
	Limit    int
}

// ClaimMessages leases due messages to one node, tokens first. It drops expired tokens
// instead, and leaves messages of other channels waiting.
func (db *DB) ClaimMessages(ctx context.Context, now time.Time, c Claim) (claimed []countersign.Message, err error) {
	if c.Class != ClassFreshTokens {
		_, err := db.execInAllAgencies(ctx, `
			UPDATE message SET state = 'dropped', data = $2, done = $1
			WHERE state IN ('waiting', 'sending') AND expires > 0 AND expires <= $1 AND claimed <= $1`, millis(now), []byte{})
		if err != nil {
			return nil, fmt.Errorf("drop expired tokens: %w", err)
		}
	}
	channels := [2]countersign.Channel{}
	copy(channels[:], c.Channels)
	err = db.inAllAgencies(ctx, db.write, func(t *sql.Tx) (err error) {
		claimed, err = list(ctx, t, db.scanMessage, `
			UPDATE message SET state = 'sending', claimed = $2
			WHERE state IN ('waiting', 'sending') AND claimed <= $1 AND due <= $1 AND id IN (
				SELECT m.id FROM message m
				WHERE m.state IN ('waiting', 'sending') AND m.claimed <= $1 AND m.due <= $1 AND m.channel IN ($4, $5)
				AND ($6 = 0 OR $6 = 1 AND m.urgent AND m.tries = 0 OR $6 = 2 AND m.urgent AND m.tries > 0 OR $6 = 3 AND NOT m.urgent)
				ORDER BY m.urgent DESC, m.due, m.id LIMIT $3)
			RETURNING `+messageColumns, millis(now), millis(now.Add(c.Lease)), c.Limit, channels[0], channels[1], int(c.Class))
		if err != nil {
			return err
		}
		claimed, err = refuseBroken(ctx, t, now, claimed)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	return claimed, nil
}

// RenewLease renews the lease of a claimed message and reports false if the lease was lost.
func (db *DB) RenewLease(ctx context.Context, m countersign.Message, until time.Time) (bool, error) {
	n, err := db.execInAllAgencies(ctx, `
		UPDATE message SET claimed = $4 WHERE agency_id = $1 AND id = $2 AND claimed = $3 AND state = 'sending'`,
		m.Agency, m.ID, millis(m.Claimed), millis(until))
	return n == 1, err
}

// RecordRoute records the route that is about to get a message. If the node then dies, other
// nodes use the same route, and not before next. It reports false if the lease was lost.
func (db *DB) RecordRoute(ctx context.Context, m countersign.Message, route string, next time.Time) (bool, error) {
	due := int64(0)
	if route != "" {
		due = millis(next)
	}
	n, err := db.execInAllAgencies(ctx, `
		UPDATE message SET route = $4, tries = $5, due = CASE WHEN $6 > due THEN $6 ELSE due END
		WHERE agency_id = $1 AND id = $2 AND claimed = $3 AND state = 'sending'`,
		m.Agency, m.ID, millis(m.Claimed), route, m.Tries, due)
	return n == 1, err
}

// FinishMessage saves the outcome of a claimed message: sent, refused, dropped, or waiting for
// another try at Due. It changes nothing if the lease was lost or the token was dropped. It
// deletes the data at the end, except that of a refused message without an expiry, which can
// be sent again.
func (db *DB) FinishMessage(ctx context.Context, m countersign.Message) error {
	claimed := int64(0)
	if m.State == countersign.StateSending {
		claimed = millis(m.Claimed)
	}
	_, err := db.execInAllAgencies(ctx, `
		UPDATE message SET state = $3, due = $4, tries = $5, server = $6, answer = $7, done = $8, claimed = $9, route = $12, tag = $13, reason = $14,
			data = CASE WHEN $3 = 'waiting' OR $3 = 'refused' AND expires = 0 THEN data ELSE $10 END
		WHERE agency_id = $1 AND id = $2 AND claimed = $11 AND state = 'sending'`,
		m.Agency, m.ID, string(m.State), millis(m.Due), m.Tries, m.Server, m.Answer, millis(m.Done), claimed, []byte{}, millis(m.Claimed), m.Route, m.Tag, string(m.Reason))
	return err
}

// SaveFindings saves the findings about a test mail.
func (db *DB) SaveFindings(ctx context.Context, m countersign.Message, all []countersign.Finding) error {
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	_, err = db.execInAllAgencies(ctx, `UPDATE message SET findings = $3 WHERE agency_id = $1 AND id = $2`, m.Agency, m.ID, string(text))
	return err
}

// PruneMessages removes messages of all agencies that were created before the given time, except
// those that are waiting or being sent.
func (db *DB) PruneMessages(ctx context.Context, before time.Time) error {
	_, err := db.execInAllAgencies(ctx, `DELETE FROM message WHERE created < $1 AND state NOT IN ('waiting', 'sending')`, millis(before))
	return err
}
