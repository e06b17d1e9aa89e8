package store

import "database/sql"

// SQL is the transaction below, for tests of what a statement that forgets the
// agency would see.
func (tx *Tx) SQL() *sql.Tx { return tx.sql }
