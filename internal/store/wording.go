package store

import (
	"context"
	"database/sql"
	"errors"

	"countersign"
)

var wordingColumns = columns("kind", "subject", "body", "version", "changed", "changed_by")

func scanWording(scan func(...any) error) (countersign.Wording, error) {
	var w countersign.Wording
	var changed int64
	err := scan(&w.Kind, &w.Subject, &w.Body, &w.Version, &changed, &w.By)
	w.Changed = instant(changed)
	return w, err
}

// Wordings returns the agency's custom wordings, by message kind.
func (tx *Tx) Wordings(ctx context.Context) (map[string]countersign.Wording, error) {
	all, err := list(ctx, tx.sql, scanWording, `SELECT `+wordingColumns+` FROM wording WHERE agency_id = $1`, tx.agency)
	if err != nil {
		return nil, err
	}
	own := make(map[string]countersign.Wording, len(all))
	for _, w := range all {
		own[w.Kind] = w
	}
	return own, nil
}

// Wording returns the agency's custom wording of one message; version 0 if there is none.
func (tx *Tx) Wording(ctx context.Context, kind string) (countersign.Wording, error) {
	w, err := scanWording(tx.sql.QueryRowContext(ctx,
		`SELECT `+wordingColumns+` FROM wording WHERE agency_id = $1 AND kind = $2`, tx.agency, kind).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return countersign.Wording{Kind: kind}, nil
	}
	return w, err
}

// SaveWording saves a wording unless it changed since version; 0 is the original text.
// Versions are times, so that none is reused after a return to the original text.
func (tx *Tx) SaveWording(ctx context.Context, w countersign.Wording, version int64) error {
	next := max(millis(w.Changed), version+1)
	if version == 0 {
		return conflict(tx.exec(ctx, `
			INSERT INTO wording (agency_id, kind, subject, body, version, changed, changed_by) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (agency_id, kind) DO NOTHING`, tx.agency, w.Kind, w.Subject, w.Body, next, millis(w.Changed), w.By))
	}
	return conflict(tx.exec(ctx, `
		UPDATE wording SET subject = $3, body = $4, version = $5, changed = $6, changed_by = $7 WHERE agency_id = $1 AND kind = $2 AND version = $8`,
		tx.agency, w.Kind, w.Subject, w.Body, next, millis(w.Changed), w.By, version))
}

// DropWording removes a custom wording unless it changed since version. The original text
// applies again.
func (tx *Tx) DropWording(ctx context.Context, kind string, version int64) error {
	return conflict(tx.exec(ctx, `DELETE FROM wording WHERE agency_id = $1 AND kind = $2 AND version = $3`, tx.agency, kind, version))
}

// CurrentAgency reads the agency within the transaction, without its hosts.
func (tx *Tx) CurrentAgency(ctx context.Context) (countersign.Agency, error) {
	a, err := scanAgency(tx.sql.QueryRowContext(ctx, `SELECT `+agencyColumns+` FROM agency WHERE id = $1`, tx.agency).Scan)
	return a, notFound(err, "agency.unknown")
}

// Rename saves the agency's product name and sender, unless they changed from was.
func (tx *Tx) Rename(ctx context.Context, was, is countersign.Agency) error {
	return conflict(tx.exec(ctx, `UPDATE agency SET product = $2, mail_from = $3 WHERE id = $1 AND product = $4 AND mail_from = $5`,
		tx.agency, is.Product, is.MailFrom, was.Product, was.MailFrom))
}

// conflict returns the error of a statement that found a newer row.
func conflict(n int64, err error) error {
	if err == nil && n == 0 {
		return &countersign.Error{Kind: countersign.KindConflict, Code: "edit.conflict"}
	}
	return err
}
