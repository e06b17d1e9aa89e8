package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"modernc.org/sqlite"

	"countersign"
)

// Normalized forms of texts, in columns of their own, for comparing and sorting. The database
// would fold and sort by its locale, SQLite only ASCII letters. Sorting also names the
// collation "C", the order of bytes. PostgreSQL has it; it is registered here for SQLite, to
// be used in statements, never in the schema.

var _ = func() any {
	sqlite.MustRegisterCollationUtf8("C", strings.Compare)
	return nil
}()

// plainLetters maps letters that do not decompose to a base letter.
var plainLetters = strings.NewReplacer("ø", "o", "ł", "l", "đ", "d", "ı", "i", "æ", "ae", "œ", "oe", "ð", "d", "þ", "th")

// nameKey returns the form that names are sorted by, without case and accents.
func nameKey(name string) string {
	bare := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(countersign.FoldText(name)))
	return plainLetters.Replace(bare)
}

// A foldedRow is a user or a method (without a name), with the normalized forms of its texts.
type foldedRow struct {
	id                  string
	name, key           string
	address, folded     string
	agency              countersign.AgencyID
	wantKey, wantFolded string
}

// foldMissing fills in missing normalized forms, once for each row of an earlier version.
// Several nodes may run it at once.
func (db *DB) foldMissing(ctx context.Context) error {
	return db.refold(ctx, `(email_folded = '' AND email <> '' OR name_key = '' AND name <> '')`, `(folded = '' AND address <> '')`)
}

// Refold corrects the forms of rows that a node of an earlier version has written since. It
// has the signature of the pruning functions, which run periodically.
func (db *DB) Refold(ctx context.Context, _ time.Time) error { return db.refold(ctx, `TRUE`, `TRUE`) }

func (db *DB) refold(ctx context.Context, users, factors string) error {
	for _, part := range []struct{ read, write string }{
		{`SELECT id, agency_id, name, name_key, email, email_folded FROM users WHERE id > $1 AND ` + users + ` ORDER BY id LIMIT $2`,
			`UPDATE users SET name_key = $3, email_folded = $4 WHERE agency_id = $1 AND id = $2 AND name = $5 AND email = $6`},
		{`SELECT id, agency_id, '', '', address, folded FROM factor WHERE id > $1 AND method = 'email' AND ` + factors + ` ORDER BY id LIMIT $2`,
			`UPDATE factor SET folded = $4 WHERE agency_id = $1 AND id = $2 AND $3 = $5 AND address = $6`},
	} {
		for after, more := "", true; more; {
			err := db.inAllAgencies(ctx, db.write, func(t *sql.Tx) (err error) {
				after, more, err = refoldBatch(ctx, t, part.read, part.write, after)
				return err
			})
			if err != nil {
				return fmt.Errorf("normalize addresses and names: %w", err)
			}
		}
	}
	return nil
}

// refoldBatch corrects a batch of rows. It returns the last ID and reports whether there may be
// more.
func refoldBatch(ctx context.Context, t *sql.Tx, read, write, after string) (string, bool, error) {
	const few = 500
	rows, err := list(ctx, t, func(scan func(...any) error) (r foldedRow, err error) {
		err = scan(&r.id, &r.agency, &r.name, &r.key, &r.address, &r.folded)
		r.wantKey, r.wantFolded = nameKey(r.name), countersign.FoldEmail(r.address)
		return r, err
	}, read, after, few)
	if err != nil {
		return after, false, err
	}
	for _, r := range rows {
		if r.key == r.wantKey && r.folded == r.wantFolded {
			continue
		}
		if _, err := t.ExecContext(ctx, write, r.agency, r.id, r.wantKey, r.wantFolded, r.name, r.address); err != nil {
			return after, false, err
		}
	}
	if len(rows) == 0 {
		return after, false, nil
	}
	return rows[len(rows)-1].id, len(rows) == few, nil
}
