package store

import (
	"context"
	"database/sql"
	"strings"

	"countersign"
)

var agencyColumns = columns("id", "code", "name", "product", "mail_from", "zone", "created")

func scanAgency(scan func(...any) error) (countersign.Agency, error) {
	var a countersign.Agency
	var created int64
	err := scan(&a.ID, &a.Code, &a.Name, &a.Product, &a.MailFrom, &a.Zone, &created)
	a.Created = instant(created)
	return a, err
}

// Agencies returns all agencies with their hosts, oldest first.
func (db *DB) Agencies(ctx context.Context) ([]countersign.Agency, error) {
	type host struct{ agency, name string }
	var all []countersign.Agency
	var hosts []host
	err := db.inAllAgencies(ctx, db.read, func(t *sql.Tx) (err error) {
		if all, err = list(ctx, t, scanAgency, `SELECT `+agencyColumns+` FROM agency ORDER BY created, id`); err != nil {
			return err
		}
		hosts, err = list(ctx, t, func(scan func(...any) error) (host, error) {
			var h host
			return h, scan(&h.agency, &h.name)
		}, `SELECT agency_id, host FROM agency_host ORDER BY agency_id, position`)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, h := range hosts {
		for i := range all {
			if string(all[i].ID) == h.agency {
				all[i].Hosts = append(all[i].Hosts, h.name)
			}
		}
	}
	return all, nil
}

// Agency returns the agency with this ID.
func (db *DB) Agency(ctx context.Context, id countersign.AgencyID) (countersign.Agency, error) {
	all, err := db.Agencies(ctx)
	if err != nil {
		return countersign.Agency{}, err
	}
	for _, a := range all {
		if a.ID == id {
			return a, nil
		}
	}
	return countersign.Agency{}, &countersign.Error{Kind: countersign.KindNotFound, Code: "agency.unknown"}
}

// AddAgency adds an agency with its hosts and runs f in the same transaction. It is a method
// of DB because no transaction of the agency can exist before the agency does.
func (db *DB) AddAgency(ctx context.Context, a countersign.Agency, f func(*Tx) error) error {
	return db.In(ctx, a.ID, func(tx *Tx) error {
		_, err := tx.exec(ctx, `INSERT INTO agency (`+agencyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			a.ID, strings.ToUpper(a.Code), a.Name, a.Product, a.MailFrom, a.Zone, millis(a.Created))
		if isExist(err) {
			return codeTaken(a)
		}
		if err != nil {
			return err
		}
		if err := tx.addHosts(ctx, a.Hosts); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `INSERT INTO event_head (agency_id, seq, digest) VALUES ($1, 0, '')`, a.ID); err != nil {
			return err
		}
		return f(tx)
	})
}

// SaveAgency saves the names of the transaction's agency.
func (tx *Tx) SaveAgency(ctx context.Context, a countersign.Agency) error {
	_, err := tx.exec(ctx, `UPDATE agency SET code = $2, name = $3, product = $4, mail_from = $5, zone = $6 WHERE id = $1`,
		tx.agency, a.Code, a.Name, a.Product, a.MailFrom, a.Zone)
	if isExist(err) {
		return codeTaken(a)
	}
	return err
}

// codeTaken returns the error for a code that another agency uses.
func codeTaken(a countersign.Agency) error {
	return &countersign.Error{Kind: countersign.KindConflict, Code: "agency.code_taken", Field: "code", Args: countersign.Args{"Code": a.Code}}
}

// SaveHosts replaces the hosts of the transaction's agency.
func (tx *Tx) SaveHosts(ctx context.Context, hosts []string) error {
	if _, err := tx.exec(ctx, `DELETE FROM agency_host WHERE agency_id = $1`, tx.agency); err != nil {
		return err
	}
	return tx.addHosts(ctx, hosts)
}

func (tx *Tx) addHosts(ctx context.Context, hosts []string) error {
	for i, h := range hosts {
		_, err := tx.exec(ctx, `INSERT INTO agency_host (agency_id, host, position) VALUES ($1, $2, $3)`, tx.agency, strings.ToLower(h), i)
		if isExist(err) {
			return &countersign.Error{Kind: countersign.KindConflict, Code: "agency.host_taken", Field: "host", Args: countersign.Args{"Host": h}}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
