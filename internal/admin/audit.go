package admin

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"countersign"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// Events are the newest rows of the audit log that match, the newest first.
func (s *Service) Events(ctx context.Context, v countersign.Visit, actor countersign.Actor, q countersign.EventQuery) (all []countersign.Event, err error) {
	err = s.read(ctx, v, actor, func(tx *store.Tx, _ countersign.Actor) error {
		all, err = tx.FindEvents(ctx, q)
		return err
	}, countersign.RightAudit)
	return all, err
}

// exportPiece is how many rows an export reads at once.
const exportPiece = 500

// ExportEvents hands every row that matches to write, the oldest first, and
// leaves a row of its own that tells of the export (AU-01).
func (s *Service) ExportEvents(ctx context.Context, v countersign.Visit, actor countersign.Actor, q countersign.EventQuery, write func(countersign.Event) error) error {
	q.Limit = exportPiece
	rows := 0
	for more := true; more; {
		var some []countersign.Event
		err := s.read(ctx, v, actor, func(tx *store.Tx, _ countersign.Actor) (err error) {
			some, err = tx.NextEvents(ctx, q)
			return err
		}, countersign.RightAudit)
		if err != nil {
			return err
		}
		for _, e := range some {
			if err := write(e); err != nil {
				return err
			}
			q.After = e.Seq
		}
		rows += len(some)
		more = len(some) == exportPiece
	}
	return s.change(ctx, v, actor, countersign.RightAudit, func(tx *store.Tx, actor countersign.Actor) error {
		e := newEvent(v, actor, "audit.exported", "")
		e.Detail = map[string]string{"rows": strconv.Itoa(rows)}
		tx.Record(e)
		return nil
	})
}

// signer signs checkpoints.
func (s *Service) signer() secret.Signer { return s.Store.Key().Signer("audit checkpoint") }

func (s *Service) sign(c countersign.Checkpoint) countersign.Checkpoint {
	c.Signature = s.signer().Sign(c.Text())
	return c
}

// Checkpoints keeps a signed checkpoint of every agency's audit log, where it
// has grown: a loop of the service.
func (s *Service) Checkpoints(ctx context.Context, now time.Time) error {
	return s.Store.CheckpointAll(ctx, now, s.sign)
}

// A Verdict is what was found in the audit log of an agency.
type Verdict struct {
	Rows        int64
	Checkpoints int // that fit
	Faults      []countersign.Inconsistency
	Newest      countersign.Checkpoint // to print and keep elsewhere; zero if something is wrong
}

// VerifyEvents reads the agency's whole audit log and says what was changed,
// removed, moved or cut off (AU-03). Besides the checkpoints in the database
// it takes copies that were kept elsewhere, which nobody could remove from there.
func (s *Service) VerifyEvents(ctx context.Context, v countersign.Visit, kept []countersign.Checkpoint) (Verdict, error) {
	var all []countersign.Checkpoint
	err := s.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) (err error) {
		all, err = tx.Checkpoints(ctx)
		return err
	})
	if err != nil {
		return Verdict{}, err
	}
	var verdict Verdict
	var good []countersign.Checkpoint
	for i, c := range append(all, kept...) {
		if c.Agency != v.Agency.ID {
			continue // the file holds those of other agencies, too
		}
		if !s.signer().Verify(c.Text(), c.Signature) {
			where := "in the database"
			if i >= len(all) {
				where = "that was given"
			}
			verdict.Faults = append(verdict.Faults, countersign.Inconsistency{Seq: c.Seq, What: fmt.Sprintf("the checkpoint of row %d %s is not signed by this installation", c.Seq, where)})
			continue
		}
		good = append(good, c)
	}
	slices.SortStableFunc(good, func(a, b countersign.Checkpoint) int { return int(a.Seq - b.Seq) })
	rows, faults, err := s.Store.Verify(ctx, v.Agency.ID, good)
	verdict.Rows, verdict.Checkpoints, verdict.Faults = rows, len(good), append(verdict.Faults, faults...)
	if err == nil && rows == 0 && len(verdict.Faults) == 0 {
		verdict.Faults = []countersign.Inconsistency{{Seq: 1, What: "the log is empty, though it begins with the row of the agency itself"}}
	}
	if err != nil || len(verdict.Faults) > 0 {
		return verdict, err
	}
	verdict.Newest, err = s.newCheckpoint(ctx, v)
	return verdict, err
}

// newCheckpoint keeps a checkpoint of this moment and returns the newest there is.
func (s *Service) newCheckpoint(ctx context.Context, v countersign.Visit) (newest countersign.Checkpoint, err error) {
	err = s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		if err := tx.AddCheckpoint(ctx, v.Now, s.sign); err != nil {
			return err
		}
		all, err := tx.Checkpoints(ctx)
		if len(all) > 0 {
			newest = all[len(all)-1]
		}
		return err
	})
	return newest, err
}

// KeyRotated keeps a step of the rotation of the master key: introduced, seals,
// retired. key is its ID, which tells nothing about it.
func (s *Service) KeyRotated(ctx context.Context, v countersign.Visit, actor countersign.Actor, step, key string) error {
	return s.change(ctx, v, actor, countersign.RightOperator, func(tx *store.Tx, actor countersign.Actor) error {
		e := newEvent(v, actor, "key.rotated", key)
		e.Reason = step
		tx.Record(e)
		return nil
	})
}
