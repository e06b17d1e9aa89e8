package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign"
)

// A MessageQuery selects messages of the agency, newest first.
type MessageQuery struct {
	Text   string // part of a name, user ID or address; or a reference
	Kind   countersign.MessageKind
	State  string // MessageWaiting, …; empty: all
	After  string // cursor: older messages that follow this row
	Before string // cursor: newer messages that precede this row
	Limit  int
}

// The states to filter messages by.
const (
	MessageWaiting   = "waiting"
	MessageAccepted  = "accepted"
	MessageDelivered = "delivered"
	MessageRefused   = "refused" // includes those that the network did not deliver
	MessageHeld      = "held"
	MessageDropped   = "dropped"
)

// A MessageRow is one row of the list.
type MessageRow struct {
	countersign.Message
	Login  string // empty: no user, or the user was deleted
	Resend bool   // can be sent again; set for a single message only
	Chosen bool   // the user has a password; set for a single message only
}

// A MessagePage is one page of the list.
type MessagePage struct {
	Rows     []MessageRow
	Total    int
	First    int // number of the first row, from 1
	Next     string
	Previous string
}

const messageFilter = `
	FROM message m LEFT JOIN users u ON u.agency_id = m.agency_id AND u.id = m.user_id
	WHERE m.agency_id = $1
	AND ($2 = '' OR u.search LIKE $2 ESCAPE '\' OR m.folded LIKE $2 ESCAPE '\' OR m.reference = $3)
	AND ($4 = '' OR m.kind = $4)
	AND ($5 = '' OR $5 = (CASE
		WHEN m.state IN ('waiting', 'sending') THEN 'waiting'
		WHEN m.state = 'sent' AND m.receipt = 'delivered' THEN 'delivered'
		WHEN m.state = 'sent' AND m.receipt = 'undelivered' THEN 'refused'
		WHEN m.state = 'sent' THEN 'accepted'
		ELSE m.state END))`

// MessageList returns one page of the messages that match.
func (tx *Tx) MessageList(ctx context.Context, q MessageQuery) (MessagePage, error) {
	var page MessagePage
	filter := []any{tx.agency, likeText(q.Text), strings.ToUpper(countersign.CleanID(q.Text)), string(q.Kind), q.State}
	if err := tx.sql.QueryRowContext(ctx, `SELECT count(*) `+messageFilter, filter...).Scan(&page.Total); err != nil {
		return page, fmt.Errorf("count messages: %w", err)
	}
	cursor, backward := q.After, false
	if q.Before != "" {
		cursor, backward = q.Before, true
	}
	operator, order := "<", "DESC"
	if backward {
		operator, order = ">", "ASC"
	}
	created, id := splitMessage(cursor)
	rows, err := list(ctx, tx.sql, tx.db.scanMessageRow, `
		SELECT `+qualified(messageColumns)+`, COALESCE(u.login, '')`+messageFilter+`
		AND ($7 = '' OR (m.created, m.id) `+operator+` ($6, $7)) ORDER BY m.created `+order+`, m.id `+order+` LIMIT $8`,
		append(filter, created, id, q.Limit+1)...)
	if err != nil {
		return page, fmt.Errorf("list messages: %w", err)
	}
	more := len(rows) > q.Limit
	page.Rows = rows[:min(len(rows), q.Limit)]
	if backward {
		slices.Reverse(page.Rows)
	}
	if len(page.Rows) == 0 {
		return page, nil
	}
	first, last := page.Rows[0], page.Rows[len(page.Rows)-1]
	var before int
	err = tx.sql.QueryRowContext(ctx, `SELECT count(*) `+messageFilter+` AND (m.created, m.id) > ($6, $7)`,
		append(filter, millis(first.Created), string(first.ID))...).Scan(&before)
	page.First = before + 1
	if before > 0 {
		page.Previous = joinMessage(first)
	}
	if page.First+len(page.Rows)-1 < page.Total && (more || backward) {
		page.Next = joinMessage(last)
	}
	return page, err
}

func (db *DB) scanMessageRow(scan func(...any) error) (MessageRow, error) {
	var login string
	m, err := db.scanMessage(func(into ...any) error { return scan(append(into, &login)...) })
	return MessageRow{Message: m, Login: login}, err
}

// qualified prefixes columns with the alias of the message table.
func qualified(columns string) string { return "m." + strings.ReplaceAll(columns, ", ", ", m.") }

func joinMessage(r MessageRow) string {
	return strconv.FormatInt(millis(r.Created), 36) + "-" + string(r.ID)
}

// splitMessage decodes what joinMessage encoded. An invalid cursor starts the list from the
// beginning.
func splitMessage(cursor string) (created int64, id string) {
	at, id, _ := strings.Cut(cursor, "-")
	created, err := strconv.ParseInt(at, 36, 64)
	if err != nil || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return 0, ""
	}
	return created, id
}

// A MessageDay says how long the messages of a day took: 95 percent took no longer than Took.
type MessageDay struct {
	Day  time.Time
	Took time.Duration
	Sent int
}

// MessageDays returns the days since then on which servers accepted messages, in order.
func (tx *Tx) MessageDays(ctx context.Context, since time.Time) ([]MessageDay, error) {
	return list(ctx, tx.sql, func(scan func(...any) error) (MessageDay, error) {
		var d MessageDay
		var day, took int64
		err := scan(&day, &took, &d.Sent)
		d.Day, d.Took = instant(day*86400000), time.Duration(took)*time.Millisecond
		return d, err
	}, `
		SELECT day, MIN(took), MAX(sent) FROM (
			SELECT created / 86400000 AS day, done - created AS took,
				ROW_NUMBER() OVER (PARTITION BY created / 86400000 ORDER BY done - created) AS place,
				COUNT(*) OVER (PARTITION BY created / 86400000) AS sent
			FROM message WHERE agency_id = $1 AND state = 'sent' AND created > $2
		) q WHERE place * 100 >= sent * 95 GROUP BY day ORDER BY day`, tx.agency, millis(since))
}

// A MessageCount counts messages by outcome.
type MessageCount struct {
	All     int
	Taken   int // accepted or delivered
	Refused int // refused, or not delivered by the network
	Waiting int
	Held    int
	Dropped int // tokens that expired or were replaced before they were sent
}

// CountMessages counts the messages since then.
func (tx *Tx) CountMessages(ctx context.Context, since time.Time) (c MessageCount, err error) {
	err = tx.sql.QueryRowContext(ctx, `
		SELECT count(*), count(*) FILTER (WHERE state = 'sent' AND receipt <> 'undelivered'),
			count(*) FILTER (WHERE state = 'refused' OR receipt = 'undelivered'),
			count(*) FILTER (WHERE state IN ('waiting', 'sending')), count(*) FILTER (WHERE state = 'held'),
			count(*) FILTER (WHERE state = 'dropped')
		FROM message WHERE agency_id = $1 AND created > $2`, tx.agency, millis(since)).
		Scan(&c.All, &c.Taken, &c.Refused, &c.Waiting, &c.Held, &c.Dropped)
	return c, err
}

// MailAccepted reports whether a mail server has accepted mail of the agency since then.
func (tx *Tx) MailAccepted(ctx context.Context, since time.Time) (accepted bool, err error) {
	err = tx.sql.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM message WHERE agency_id = $1 AND channel = 'email' AND state = 'sent' AND created > $2)`,
		tx.agency, millis(since)).Scan(&accepted)
	return accepted, err
}

// ResendMessage puts a refused message into the outbox again. It reports false if that is
// impossible: sent messages have no content left, and tokens expire.
func (tx *Tx) ResendMessage(ctx context.Context, id countersign.MessageID, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `
		UPDATE message SET state = 'waiting', due = $3, tries = 0, claimed = 0, done = 0, answer = '', server = '', reason = ''
		WHERE agency_id = $1 AND id = $2 AND state = 'refused' AND expires = 0 AND LENGTH(data) > 0`, tx.agency, id, millis(now))
	return n == 1, err
}
