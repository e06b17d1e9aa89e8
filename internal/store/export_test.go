package store

import (
	"database/sql"
	"embed"
)

// Migrations are the files of the schema.
func Migrations() embed.FS { return migrations }

// SQL is the transaction below, for tests of what a statement that forgets the
// agency would see.
func (tx *Tx) SQL() *sql.Tx { return tx.sql }

// SealedColumns are the columns that a rotation seals anew, as table.column.
func SealedColumns() (names []string) {
	for _, c := range sealedColumns {
		names = append(names, c.table+"."+c.column)
	}
	return names
}
