package store

import (
	"context"
	"strings"

	"countersign"
)

const eventColumns = `seq, at, action, actor, subject, method, result, reason, ip, browser, os, request, detail`

// eventFilter selects the audit rows that match an EventQuery.
const eventFilter = `
	AND seq > $2 AND ($3 = '' OR subject = $3) AND ($4 = '' OR actor = $4)
	AND ($5 = '' OR action = $5 OR $6 AND SUBSTR(action, 1, LENGTH(CAST($5 AS TEXT))) = $5) AND at >= $7 AND ($8 = CAST(0 AS BIGINT) OR at < $8)`

func (tx *Tx) eventArgs(q countersign.EventQuery) []any {
	family := strings.HasSuffix(q.Action, ".")
	return []any{tx.agency, q.After, q.Subject, q.Actor, q.Action, family, millis(q.Since), millis(q.Until)}
}

// FindEvents returns the newest audit rows that match, newest first.
func (tx *Tx) FindEvents(ctx context.Context, q countersign.EventQuery) ([]countersign.Event, error) {
	return list(ctx, tx.sql, scanEvent, `SELECT `+eventColumns+` FROM event WHERE agency_id = $1`+eventFilter+` ORDER BY seq DESC LIMIT $9`,
		append(tx.eventArgs(q), q.Limit)...)
}

// NextEvents returns the oldest matching rows after q.After, oldest first, so that a log of
// any length can be read in parts.
func (tx *Tx) NextEvents(ctx context.Context, q countersign.EventQuery) ([]countersign.Event, error) {
	return list(ctx, tx.sql, scanEvent, `SELECT `+eventColumns+` FROM event WHERE agency_id = $1`+eventFilter+` ORDER BY seq LIMIT $9`,
		append(tx.eventArgs(q), q.Limit)...)
}
