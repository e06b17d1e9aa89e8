package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"countersign"
)

// Record writes one row of the audit log with the transaction, or the transaction fails
// (AU-04). The rows are written right before the commit: the head of the agency's chain is the
// last row that a transaction locks, so that two transactions can't deadlock.
func (tx *Tx) Record(e countersign.Event) { tx.events = append(tx.events, e) }

func (tx *Tx) writeEvents(ctx context.Context) error {
	if len(tx.events) == 0 {
		return nil
	}
	var seq int64
	var digest string
	err := tx.sql.QueryRowContext(ctx, `UPDATE event_head SET seq = seq + $2 WHERE agency_id = $1 RETURNING seq, digest`,
		tx.agency, len(tx.events)).Scan(&seq, &digest)
	if err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	seq -= int64(len(tx.events))
	for _, e := range tx.events {
		seq++
		e.Seq = seq
		if digest, err = tx.writeEvent(ctx, e, digest); err != nil {
			return fmt.Errorf("write audit log: %w", err)
		}
	}
	_, err = tx.exec(ctx, `UPDATE event_head SET digest = $2 WHERE agency_id = $1`, tx.agency, digest)
	return err
}

func (tx *Tx) writeEvent(ctx context.Context, e countersign.Event, before string) (string, error) {
	if e.Result == "" {
		e.Result = "ok"
	}
	if e.Detail == nil {
		e.Detail = map[string]string{}
	}
	detail, err := json.Marshal(e.Detail)
	if err != nil {
		return "", err
	}
	row := []any{string(tx.agency), e.Seq, millis(e.At), e.Action, plain(e.Actor), plain(e.Subject), plain(e.Method), e.Result, plain(e.Reason),
		addressText(e.Client.IP), plain(e.Client.Browser), plain(e.Client.OS), plain(e.Request), string(detail)}
	digest, err := chain(before, row)
	if err != nil {
		return "", err
	}
	_, err = tx.exec(ctx, `
		INSERT INTO event (agency_id, seq, at, action, actor, subject, method, result, reason, ip, browser, os, request, detail, digest)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`, append(row, digest)...)
	return digest, err
}

// plain makes an entry one line of printable text, at most 500 characters (AU-04).
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > 500 {
		return string(runes[:500])
	}
	return text
}

func scanEvent(scan func(...any) error) (countersign.Event, error) {
	var e countersign.Event
	var at int64
	var ip, detail string
	err := scan(&e.Seq, &at, &e.Action, &e.Actor, &e.Subject, &e.Method, &e.Result, &e.Reason, &ip, &e.Client.Browser, &e.Client.OS, &e.Request, &detail)
	if err != nil {
		return e, err
	}
	e.At, e.Client.IP = instant(at), address(ip)
	return e, json.Unmarshal([]byte(detail), &e.Detail)
}

// Events returns the newest audit rows of the agency, newest first; with a subject, only its
// rows.
func (tx *Tx) Events(ctx context.Context, subject string, limit int) ([]countersign.Event, error) {
	return list(ctx, tx.sql, scanEvent, `
		SELECT `+eventColumns+` FROM event
		WHERE agency_id = $1 AND (subject = $2 OR $2 = '') ORDER BY seq DESC LIMIT $3`, tx.agency, subject, limit)
}
