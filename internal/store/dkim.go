package store

import (
	"context"
	"fmt"

	"countersign"
)

var dkimColumns = columns("agency_id", "domain", "selector", "secret", "created", "signs")

func dkimAAD(agency countersign.AgencyID, domain, selector string) string {
	return fmt.Sprintf("dkim_key.secret/%s/%s/%s", agency, domain, selector)
}

func (db *DB) scanDKIM(scan func(...any) error) (countersign.DKIMKey, error) {
	var k countersign.DKIMKey
	var agency countersign.AgencyID
	var sealed []byte
	var created int64
	if err := scan(&agency, &k.Domain, &k.Selector, &sealed, &created, &k.Signs); err != nil {
		return k, err
	}
	k.Created = instant(created)
	var err error
	if k.Private, err = db.box.Open(sealed, dkimAAD(agency, k.Domain, k.Selector)); err != nil {
		return k, fmt.Errorf("open DKIM key: %w", err)
	}
	return k, nil
}

// DKIMKeys returns the agency's keys for a domain, newest first.
func (tx *Tx) DKIMKeys(ctx context.Context, domain string) ([]countersign.DKIMKey, error) {
	return list(ctx, tx.sql, tx.db.scanDKIM, `
		SELECT `+dkimColumns+` FROM dkim_key WHERE agency_id = $1 AND domain = $2 ORDER BY created DESC, selector DESC`, tx.agency, domain)
}

// AddDKIMKey adds a new key. It signs nothing until SignWith selects it.
func (tx *Tx) AddDKIMKey(ctx context.Context, k countersign.DKIMKey) error {
	sealed, err := tx.db.box.Seal(k.Private, dkimAAD(tx.agency, k.Domain, k.Selector))
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO dkim_key (agency_id, domain, selector, secret, created, signs) VALUES ($1, $2, $3, $4, $5, FALSE)`,
		tx.agency, k.Domain, k.Selector, sealed, millis(k.Created))
	return err
}

// SignWith selects the only key that signs mail from the domain, by its selector; with an
// empty selector none signs. It reports whether the key exists.
func (tx *Tx) SignWith(ctx context.Context, domain, selector string) (bool, error) {
	if _, err := tx.exec(ctx, `UPDATE dkim_key SET signs = FALSE WHERE agency_id = $1 AND domain = $2`, tx.agency, domain); err != nil {
		return false, err
	}
	n, err := tx.exec(ctx, `UPDATE dkim_key SET signs = TRUE WHERE agency_id = $1 AND domain = $2 AND selector = $3`, tx.agency, domain, selector)
	return n > 0, err
}
