package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/store"
)

// events writes rows until the agency's log has n.
func (p place) events(n int) {
	p.Helper()
	for i := range n - 1 { // open has written the first, about the user it added
		p.in(func(_ context.Context, tx *store.Tx) error {
			tx.Record(countersign.Event{At: noon.Add(time.Duration(i) * time.Minute), Action: "token.wrong", Actor: "BSMITH", Subject: "BSMITH",
				Result: "refused", Reason: fmt.Sprint("reason ", i), Detail: map[string]string{"n": fmt.Sprint(i)}})
			return nil
		})
	}
}

// tamper changes the database in ways that the store's code never does.
func (p place) tamper(statements ...string) {
	p.Helper()
	p.in(func(ctx context.Context, tx *store.Tx) error {
		for _, s := range statements {
			if _, err := tx.SQL().ExecContext(ctx, s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		return nil
	})
}

func (p place) verify(checkpoints ...countersign.Checkpoint) (faults []string) {
	p.Helper()
	_, found, err := p.db.Verify(p.Context(), p.ours, checkpoints)
	if err != nil {
		p.Fatal(err)
	}
	for _, f := range found {
		faults = append(faults, fmt.Sprintf("%d: %s", f.Seq, f.What))
	}
	return faults
}

// AU-03: changes, removal, reordering and truncation are found, each at its row.
func TestTamperingIsFound(t *testing.T) {
	for _, c := range []struct {
		name     string
		tamper   []string
		want     []string
		unsigned bool // also found without a checkpoint
	}{
		{"nothing", nil, nil, true},
		{"a changed reason", []string{`UPDATE event SET reason = 'another' WHERE agency_id = 'ours' AND seq = 6`},
			[]string{"6: row 6 was changed, or the row before it was written anew"}, true},
		{"a changed time", []string{`UPDATE event SET at = at + 1 WHERE agency_id = 'ours' AND seq = 1`},
			[]string{"1: row 1 was changed, or the row before it was written anew"}, true},
		{"a changed digest", []string{`UPDATE event SET digest = 'abc' WHERE agency_id = 'ours' AND seq = 6`},
			[]string{"6: row 6 was changed, or the row before it was written anew", "7: row 7 was changed, or the row before it was written anew"}, true},
		{"a removed row", []string{`DELETE FROM event WHERE agency_id = 'ours' AND seq = 7`}, []string{"7: row 7 is missing"}, true},
		{"removed rows", []string{`DELETE FROM event WHERE agency_id = 'ours' AND seq IN (3, 4, 5)`}, []string{"3: rows 3 to 5 are missing"}, true},
		{"the first row removed", []string{`DELETE FROM event WHERE agency_id = 'ours' AND seq = 1`}, []string{"1: row 1 is missing"}, true},
		{"two rows swapped", []string{`UPDATE event SET seq = 1000 WHERE agency_id = 'ours' AND seq = 5`, `UPDATE event SET seq = 5 WHERE agency_id = 'ours' AND seq = 9`,
			`UPDATE event SET seq = 9 WHERE agency_id = 'ours' AND seq = 1000`},
			[]string{"5: row 5 was moved: it was written as row 9", "9: row 9 was moved: it was written as row 5"}, true},
		{"neighbors swapped", []string{`UPDATE event SET seq = 1000 WHERE agency_id = 'ours' AND seq = 5`, `UPDATE event SET seq = 5 WHERE agency_id = 'ours' AND seq = 6`,
			`UPDATE event SET seq = 6 WHERE agency_id = 'ours' AND seq = 1000`},
			[]string{"5: row 5 was moved: it was written as row 6", "6: row 6 was moved: it was written as row 5"}, true},
		{"the end cut off", []string{`DELETE FROM event WHERE agency_id = 'ours' AND seq > 10`}, []string{"11: rows 11 to 12 are missing from the end"}, true},
		{"a row put behind the end", []string{`INSERT INTO event SELECT agency_id, 13, at, action, actor, subject, method, result, reason, ip, browser, os, request, detail, digest
			FROM event WHERE agency_id = 'ours' AND seq = 12`}, []string{"13: row 13 was changed", "13: what stands from row 13 on was put behind the end"}, true},
		{"the end cut off, and the head as well", []string{`DELETE FROM event WHERE agency_id = 'ours' AND seq > 8`,
			`UPDATE event_head SET seq = 8, digest = (SELECT digest FROM event WHERE agency_id = 'ours' AND seq = 8) WHERE agency_id = 'ours'`},
			[]string{"9: rows 9 to 10 are missing from the end: a checkpoint of 2026-11-10 12:00:00 proves"}, false},
		{"everything cut off", []string{`DELETE FROM event WHERE agency_id = 'ours'`, `DELETE FROM event_head WHERE agency_id = 'ours'`},
			[]string{"1: rows 1 to 4 are missing", "1: rows 1 to 10 are missing"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(p place) {
				p.events(4)
				kept := []countersign.Checkpoint{p.checkpoint(noon)}
				p.events(7)
				kept = append(kept, p.checkpoint(noon))
				p.events(3)
				p.tamper(c.tamper...)
				without, with := p.verify(), p.verify(kept...)
				if c.unsigned != fits(c.want, without) && c.unsigned {
					p.Errorf("without checkpoints: got %q, want %q", without, c.want)
				}
				if len(without) > 0 && !c.unsigned {
					p.Errorf("the case needs no checkpoint: %q", without)
				}
				if !contains(with, c.want) || len(c.want) == 0 && len(with) > 0 {
					p.Errorf("with checkpoints: got %q, want %q", with, c.want)
				}
			})
		})
	}
}

func fits(want, got []string) bool { return len(want) == len(got) && contains(got, want) }

func contains(got, want []string) bool {
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g string) bool { return strings.HasPrefix(g, w) }) {
			return false
		}
	}
	return true
}

func unsigned(c countersign.Checkpoint) countersign.Checkpoint { return c }

// checkpoint adds a checkpoint and returns it.
func (p place) checkpoint(now time.Time) (c countersign.Checkpoint) {
	p.Helper()
	p.in(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.AddCheckpoint(ctx, now, unsigned); err != nil {
			return err
		}
		all, err := tx.Checkpoints(ctx)
		c = all[len(all)-1]
		return err
	})
	return c
}

// A log that was rewritten from some row on, with matching digests and a matching head, is
// found by the checkpoints, between the two where it begins.
func TestALogThatWasWrittenAnewIsFound(t *testing.T) {
	each(t, func(p place) {
		p.events(4)
		kept := []countersign.Checkpoint{p.checkpoint(noon)}
		p.events(7)
		kept = append(kept, p.checkpoint(noon))
		p.tamper(`DELETE FROM event WHERE agency_id = 'ours' AND seq > 6`,
			`UPDATE event_head SET seq = 6, digest = (SELECT digest FROM event WHERE agency_id = 'ours' AND seq = 6) WHERE agency_id = 'ours'`)
		p.events(8) // the chain is consistent again, with other rows
		if faults := p.verify(); len(faults) > 0 {
			p.Fatalf("the chain is not whole: %q", faults)
		}
		if got, want := p.verify(kept...), []string{"5: rows 5 to 10 are not those of the checkpoint"}; !fits(want, got) {
			p.Errorf("got %q, want %q", got, want)
		}
	})
}

// The log can be verified while it is written, on both engines: a reader sees one snapshot.
func TestVerifyWhileWriting(t *testing.T) {
	each(t, func(p place) {
		done := make(chan error, 1)
		go func() {
			for i := range 60 {
				err := p.db.In(p.Context(), p.ours, func(tx *store.Tx) error {
					tx.Record(countersign.Event{At: noon, Action: "token.sent", Subject: fmt.Sprint(i)})
					return nil
				})
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		for running := true; running; {
			select {
			case err := <-done:
				if err != nil {
					p.Fatal(err)
				}
				running = false
			default:
			}
			if faults := p.verify(); len(faults) > 0 {
				p.Fatalf("a log that is written has faults: %q", faults)
			}
		}
	})
}

// Verify reads more rows than fit into one batch.
func TestVerifyReadsAllPieces(t *testing.T) {
	each(t, func(p place) {
		p.in(func(_ context.Context, tx *store.Tx) error {
			for range 2500 {
				tx.Record(countersign.Event{At: noon, Action: "token.sent"})
			}
			return nil
		})
		if faults := p.verify(); len(faults) > 0 {
			p.Errorf("%q", faults)
		}
		p.tamper(`UPDATE event SET actor = 'X' WHERE agency_id = 'ours' AND seq = 2001`)
		if got, want := p.verify(), []string{"2001: row 2001 was changed"}; !fits(want, got) {
			p.Errorf("got %q, want %q", got, want)
		}
	})
}

// The filters of the audit log work alone and together.
func TestFindEvents(t *testing.T) {
	each(t, func(p place) {
		for i, e := range []countersign.Event{{Action: "sign-in.completed", Actor: "BSMITH", Subject: "BSMITH"}, {Action: "sign-in.password", Subject: "CBILLS"},
			{Action: "sign-out", Actor: "ADMIN", Subject: "BSMITH"}, {Action: "user.changed", Actor: "ADMIN", Subject: "CBILLS"}} {
			p.in(func(_ context.Context, tx *store.Tx) error {
				e.At = noon.Add(time.Duration(i+1) * time.Hour)
				tx.Record(e)
				return nil
			})
		}
		for _, c := range []struct {
			q    countersign.EventQuery
			want string
		}{
			{countersign.EventQuery{Limit: 9}, "[5 4 3 2 1]"}, {countersign.EventQuery{Limit: 2}, "[5 4]"},
			{countersign.EventQuery{Limit: 9, Subject: "CBILLS"}, "[5 3]"}, {countersign.EventQuery{Limit: 9, Actor: "ADMIN"}, "[5 4]"},
			{countersign.EventQuery{Limit: 9, Action: "sign-in.password"}, "[3]"}, {countersign.EventQuery{Limit: 9, Action: "sign-in."}, "[3 2]"},
			{countersign.EventQuery{Limit: 9, Action: "sign%"}, "[]"}, {countersign.EventQuery{Limit: 9, Since: noon.Add(3 * time.Hour)}, "[5 4]"},
			{countersign.EventQuery{Limit: 9, Until: noon.Add(2 * time.Hour)}, "[2 1]"}, {countersign.EventQuery{Limit: 9, After: 3, Actor: "ADMIN", Subject: "BSMITH"}, "[4]"},
		} {
			p.in(func(ctx context.Context, tx *store.Tx) error {
				all, err := tx.FindEvents(ctx, c.q)
				rows := []int64{}
				for _, e := range all {
					rows = append(rows, e.Seq)
				}
				if got := fmt.Sprint(rows); got != c.want {
					p.Errorf("%+v: got %s, want %s", c.q, got, c.want)
				}
				return err
			})
		}
	})
}

// AU-04: if the audit row can't be written, the whole change is rolled back.
func TestNoActWithoutItsAuditRow(t *testing.T) {
	each(t, func(p place) {
		p.tamper(`ALTER TABLE event RENAME TO elsewhere`)
		err := p.db.In(p.Context(), p.ours, func(tx *store.Tx) error {
			tx.Record(countersign.Event{At: noon, Action: "preference.changed"})
			return tx.SaveSetting(p.Context(), countersign.Setting{Code: "2FA", Value: "Off", Changed: noon}, 1)
		})
		if err == nil || !strings.Contains(err.Error(), "write audit log") {
			p.Errorf("the act was answered with %v", err)
		}
		p.tamper(`ALTER TABLE elsewhere RENAME TO event`)
		p.in(func(ctx context.Context, tx *store.Tx) error {
			all, err := tx.Settings(ctx)
			if all["2FA"].Value != "On" {
				p.Errorf("2FA is %q although the audit row was not written", all["2FA"].Value)
			}
			return err
		})
	})
}
