package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"countersign"
)

// Each row of an agency's audit log has a digest that covers the row and the digest of the row
// before it. Changing, removing or moving a row therefore shows. The head row records the end
// of the chain. Someone who can write both could still cut off the end; signed checkpoints
// reveal that (AU-03).

// chain returns the digest of a row, which also covers every row before it.
func chain(before string, row []any) (string, error) {
	text, err := json.Marshal(append([]any{before}, row...))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// chainRow is a row of the chain as stored, uninterpreted.
type chainRow struct {
	seq    int64
	row    []any // in the order of writeEvent
	digest string
}

func scanChained(scan func(...any) error) (chainRow, error) {
	var c chainRow
	var at int64
	var text [12]string
	to := []any{&text[0], &c.seq, &at}
	for i := 1; i < len(text); i++ {
		to = append(to, &text[i])
	}
	if err := scan(append(to, &c.digest)...); err != nil {
		return c, err
	}
	c.row = []any{text[0], c.seq, at}
	for _, t := range text[1:] {
		c.row = append(c.row, t)
	}
	return c, nil
}

// withSeq returns the row as if it had the row number seq.
func (c chainRow) withSeq(seq int64) []any {
	row := append([]any{}, c.row...)
	row[1] = seq
	return row
}

// An auditor reads a chain from its beginning and records inconsistencies.
type auditor struct {
	last   chainRow
	broken []chainRow       // rows whose digest does not match their contents and the row before
	known  map[int64]string // digests of the rows that checkpoints name
	all    map[string]bool  // digests of broken rows and of the rows before them
	faults []countersign.Inconsistency
}

func (a *auditor) report(seq int64, what string, args ...any) {
	a.faults = append(a.faults, countersign.Inconsistency{Seq: seq, What: fmt.Sprintf(what, args...)})
}

// add checks the next row.
func (a *auditor) add(c chainRow) error {
	if c.seq != a.last.seq+1 {
		a.reportMissing(a.last.seq+1, c.seq-1, "")
	}
	want, err := chain(a.last.digest, c.row)
	if err != nil {
		return err
	}
	if want != c.digest && c.seq == a.last.seq+1 {
		a.broken = append(a.broken, c)
		a.all[a.last.digest], a.all[c.digest] = true, true
	}
	if _, wanted := a.known[c.seq]; wanted {
		a.known[c.seq] = c.digest
	}
	a.last = c
	return nil
}

func (a *auditor) reportMissing(from, to int64, how string) {
	if from == to {
		a.report(from, "row %d is missing%s", from, how)
		return
	}
	a.report(from, "rows %d to %d are missing%s", from, to, how)
}

// classify decides for each broken row whether it was moved or changed. A moved row still matches
// the position where it was written.
func (a *auditor) classify() error {
	for _, c := range a.broken {
		was, err := a.writtenAs(c)
		if err != nil {
			return err
		}
		if was == c.seq {
			continue // it is where it was written; the row before it is wrong
		}
		if was != 0 {
			a.report(c.seq, "row %d was moved: it was written as row %d", c.seq, was)
			continue
		}
		a.report(c.seq, "row %d was changed, or the row before it was written anew", c.seq)
	}
	return nil
}

// maxChanges is the largest number of broken rows among which writtenAs searches.
const maxChanges = 200

// writtenAs returns the row number under which c was written; 0 if none matches.
func (a *auditor) writtenAs(c chainRow) (int64, error) {
	if len(a.broken) > maxChanges {
		return 0, nil
	}
	for _, other := range a.broken {
		for before := range a.all {
			digest, err := chain(before, c.withSeq(other.seq))
			if err != nil {
				return 0, err
			}
			if digest == c.digest {
				return other.seq, nil
			}
		}
	}
	return 0, nil
}

// checkEnd compares the end of the chain with the head row.
func (a *auditor) checkEnd(seq int64, digest string) {
	switch {
	case seq > a.last.seq:
		a.reportMissing(a.last.seq+1, seq, " from the end")
	case seq < a.last.seq:
		a.report(seq+1, "what stands from row %d on was put behind the end of the log", seq+1)
	case digest != a.last.digest:
		a.report(seq, "row %d is not the one that was written last", seq)
	}
}

// checkAgainst checks the chain against a checkpoint. good is the row of the last checkpoint that
// matches; it narrows down where the fault is.
func (a *auditor) checkAgainst(c countersign.Checkpoint, good *int64) {
	switch {
	case c.Seq > a.last.seq:
		a.reportMissing(a.last.seq+1, c.Seq, " from the end: a checkpoint of "+c.At.UTC().Format("2006-01-02 15:04:05")+" proves that they were there")
	case a.known[c.Seq] != c.Digest:
		a.report(*good+1, "rows %d to %d are not those of the checkpoint of %s", *good+1, c.Seq, c.At.UTC().Format("2006-01-02 15:04:05"))
	default:
		*good = max(*good, c.Seq)
	}
}

// batchSize is how many rows are read at once.
const batchSize = 1000

// Verify reads the agency's audit log from its beginning and returns the number of rows and
// the inconsistencies. It reads one snapshot of the database, whatever is written at the same
// time. checkpoints are in order, and the caller has verified their signatures.
func (db *DB) Verify(ctx context.Context, agency countersign.AgencyID, checkpoints []countersign.Checkpoint) (rows int64, faults []countersign.Inconsistency, err error) {
	err = db.snapshot(ctx, agency, func(tx *Tx) error {
		a := &auditor{known: map[int64]string{}, all: map[string]bool{}}
		for _, c := range checkpoints {
			a.known[c.Seq] = ""
		}
		if err := tx.walkChain(ctx, a.add); err != nil {
			return err
		}
		if err := a.classify(); err != nil {
			return err
		}
		seq, digest, err := tx.head(ctx)
		if err != nil {
			return err
		}
		a.checkEnd(seq, digest)
		good := int64(0)
		for _, c := range checkpoints {
			a.checkAgainst(c, &good)
		}
		rows, faults = a.last.seq, a.faults
		return nil
	})
	return rows, faults, err
}

// head returns the end of the chain as the writer recorded it; 0 and "" for an agency without
// a head row.
func (tx *Tx) head(ctx context.Context) (seq int64, digest string, err error) {
	err = tx.sql.QueryRowContext(ctx, `SELECT seq, digest FROM event_head WHERE agency_id = $1`, tx.agency).Scan(&seq, &digest)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", nil
	}
	return seq, digest, err
}

func (tx *Tx) walkChain(ctx context.Context, visit func(chainRow) error) error {
	for last := int64(-1); ; {
		rows, err := list(ctx, tx.sql, scanChained, `
			SELECT agency_id, seq, at, action, actor, subject, method, result, reason, ip, browser, os, request, detail, digest
			FROM event WHERE agency_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`, tx.agency, last, batchSize)
		if err != nil {
			return err
		}
		for _, c := range rows {
			if err := visit(c); err != nil {
				return err
			}
			last = c.seq
		}
		if len(rows) < batchSize {
			return nil
		}
	}
}
