package store

import (
	"context"
	"database/sql"
	"fmt"

	"countersign/internal/secret"
)

// A sealedColumn is a column of values that are each sealed for their own row.
type sealedColumn struct {
	table  string
	column string
	id     string // SQL that identifies the row within the table
	aad    string // SQL for what the row's value is sealed for
}

// sealedColumns lists all sealed columns. Values of an unlisted one would be lost when the old
// master key is removed; a test compares the list with the schema.
var sealedColumns = []sealedColumn{
	{"factor", "secret", "id", `'factor.secret/' || agency_id || '/' || user_id || '/' || id`},
	{"attempt", "body", "id", `'attempt.body/' || agency_id || '/' || id`},
	{"message", "data", "id", `'message.data/' || agency_id || '/' || id`},
	{"dkim_key", "secret", `agency_id || '/' || domain || '/' || selector`, `'dkim_key.secret/' || agency_id || '/' || domain || '/' || selector`},
	{"passkey", "sealed", "id", `'passkey.sealed/' || agency_id || '/' || user_id || '/' || id`},
	{"passkey_nonce", "sealed", `agency_id || '/' || attempt_id || '/' || purpose`, `'passkey_nonce.sealed/' || agency_id || '/' || attempt_id || '/' || purpose`},
	{"users", "password_sealed", "id", `'users.password/' || agency_id || '/' || id`},
	{"link_ask", "login", "id", `'link_ask.login/' || agency_id || '/' || id`},
	{"installation", "value", "name", `'installation/' || name`},
}

// A Sealed says how many values of a column a master key has sealed.
type Sealed struct {
	Table  string
	Column string
	Key    string // ID of the key
	Rows   int
}

// SealedRows counts sealed values by column and key.
func (db *DB) SealedRows(ctx context.Context) (all []Sealed, err error) {
	err = db.inAllAgencies(ctx, db.read, func(t *sql.Tx) error {
		all = nil
		for _, c := range sealedColumns {
			some, err := list(ctx, t, func(scan func(...any) error) (Sealed, error) {
				s := Sealed{Table: c.table, Column: c.column}
				var mark []byte
				err := scan(&mark, &s.Rows)
				s.Key = secret.KeyOfSealed(mark)
				return s, err
			}, `SELECT SUBSTR(`+c.column+`, 1, 4) AS mark, count(*) FROM `+c.table+` WHERE LENGTH(`+c.column+`) > 0 GROUP BY 1 ORDER BY 1`)
			if err != nil {
				return fmt.Errorf("count sealed values of %s: %w", c.table, err)
			}
			all = append(all, some...)
		}
		return nil
	})
	return all, err
}

// Reseal seals up to limit values again that another key than the current one has sealed, and
// returns how many it found; 0 means that none are left. It skips a value that another
// transaction changes at the same time. If a value can't be opened, it returns an error and
// leaves the value as it is.
func (db *DB) Reseal(ctx context.Context, limit int) (found int, err error) {
	err = db.inAllAgencies(ctx, db.write, func(t *sql.Tx) error {
		found = 0
		for _, c := range sealedColumns {
			n, err := db.resealColumn(ctx, t, c, limit-found)
			if err != nil {
				return fmt.Errorf("reseal %s.%s: %w", c.table, c.column, err)
			}
			if found += n; found >= limit {
				return nil
			}
		}
		return nil
	})
	return found, err
}

// A sealedValue is one value with its row.
type sealedValue struct {
	id, aad string
	sealed  []byte
}

func (db *DB) resealColumn(ctx context.Context, t *sql.Tx, c sealedColumn, limit int) (int, error) {
	values, err := list(ctx, t, func(scan func(...any) error) (v sealedValue, err error) {
		err = scan(&v.id, &v.aad, &v.sealed)
		return v, err
	}, `SELECT `+c.id+`, `+c.aad+`, `+c.column+` FROM `+c.table+`
		WHERE LENGTH(`+c.column+`) > 0 AND SUBSTR(`+c.column+`, 1, 4) <> $1 ORDER BY `+c.id+` LIMIT $2`, db.box.Mark(), limit)
	if err != nil {
		return 0, err
	}
	for _, v := range values {
		plain, err := db.box.Open(v.sealed, v.aad)
		if err != nil {
			return 0, err
		}
		sealed, err := db.box.Seal(plain, v.aad)
		if err != nil {
			return 0, err
		}
		_, err = t.ExecContext(ctx, `UPDATE `+c.table+` SET `+c.column+` = $3 WHERE `+c.id+` = $1 AND `+c.column+` = $2`, v.id, v.sealed, sealed) // #nosec G202 -- names of tables and columns from a list in this file
		if err != nil {
			return 0, err
		}
	}
	return len(values), nil
}
