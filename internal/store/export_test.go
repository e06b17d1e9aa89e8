package store

import (
	"database/sql"
	"embed"
)

// Migrations returns the files of the schema.
func Migrations() embed.FS { return migrations }

// SQL returns the underlying transaction, to test what a statement that forgets the agency
// would see.
func (tx *Tx) SQL() *sql.Tx { return tx.sql }

// SealedColumns returns the columns that a rotation of the master key seals again, as
// table.column.
func SealedColumns() (names []string) {
	for _, c := range sealedColumns {
		names = append(names, c.table+"."+c.column)
	}
	return names
}
