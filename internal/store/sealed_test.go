package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"countersign"
	"countersign/internal/pgtest"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// column matches the columns of bytes in the text of a table, and added those that were added
// to a table later.
var (
	column = regexp.MustCompile(`(?m)^\s*(\w+)\s+BYTEA\b`)
	added  = regexp.MustCompile(`ALTER TABLE (\w+) ADD COLUMN (\w+)\s+BYTEA\b`)
)

// Every column of bytes holds sealed values and is in the list of columns to seal again, or is
// listed here with what it holds instead.
func TestEverySealedColumnIsListed(t *testing.T) {
	open := map[string]string{"passkey.credential": "the ID by which authenticators know it, which they tell everybody who asks"}
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, c := range store.SealedColumns() {
		listed[c] = true
	}
	seen := 0
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, m := range createTable.FindAllStringSubmatch(string(text), -1) {
			for _, c := range column.FindAllStringSubmatch(m[2], -1) {
				names = append(names, m[1]+"."+c[1])
			}
		}
		for _, m := range added.FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1]+"."+m[2])
		}
		for _, name := range names {
			seen++
			if !listed[name] && open[name] == "" {
				t.Errorf("%s: %s holds bytes and is not in sealedColumns of sealed.go: if its values are sealed, a rotation of the master key would lose them; if not, say so in this test", f, name)
			}
		}
	}
	if seen < 4 {
		t.Errorf("only %d columns were found: the test looks at the wrong place", seen)
	}
}

// KY-02: after a rotation all data is unchanged, and nothing in the database names the old
// key, in any agency.
func TestResealing(t *testing.T) {
	urls := map[string]string{"SQLite": "sqlite:" + filepath.Join(t.TempDir(), "test.db"), "PostgreSQL": pgtest.DSN(t)}
	for engine, url := range urls {
		t.Run(engine, func(t *testing.T) {
			master, err := secret.NewMaster()
			if err != nil {
				t.Fatal(err)
			}
			box := master.Box()
			p := openWith(t, url, box)
			for i := range 7 {
				p.in(func(ctx context.Context, tx *store.Tx) error {
					a := countersign.Attempt{ID: countersign.AttemptID(fmt.Sprint("attempt", i)), User: p.user.ID, Purpose: countersign.PurposeSignIn, Expires: noon}
					m := countersign.Message{ID: countersign.MessageID(fmt.Sprint("message", i)), User: p.user.ID, Data: map[string]string{"n": "1"}, Created: noon, Due: noon}
					if err := tx.AddAttempt(ctx, a); err != nil {
						return err
					}
					return tx.AddMessage(ctx, m)
				})
			}
			before, mac := [2]map[string]any{p.dump(p.ours), p.dump(p.decoy)}, string(p.db.Key().MAC("p", "x"))
			promoted, err := master.WithNew().Promoted()
			if err != nil {
				t.Fatal(err)
			}
			box.Use(promoted)
			rounds := 0
			for n := 1; n > 0; rounds++ {
				if n, err = p.db.Reseal(t.Context(), 5); err != nil {
					t.Fatal(err)
				}
				if n > 5 {
					t.Errorf("%d values in one transaction, want at most 5", n)
				}
			}
			if rounds < 4 {
				t.Errorf("only %d rounds: too little was sealed anew", rounds)
			}
			box.Use(promoted.Reduced())
			if diff := cmp.Diff(before, [2]map[string]any{p.dump(p.ours), p.dump(p.decoy)}, addresses); diff != "" {
				t.Errorf("something has changed (-before +after):\n%s", diff)
			}
			sealed, err := p.db.SealedRows(t.Context())
			if err != nil || len(sealed) < 4 {
				t.Errorf("what is sealed: %v, %v", sealed, err)
			}
			for _, s := range sealed {
				if s.Key != promoted.Sealing() {
					t.Errorf("%d values of %s.%s are still sealed with key %s", s.Rows, s.Table, s.Column, s.Key)
				}
			}
			again, err := store.Open(t.Context(), url, promoted.Reduced().Box())
			if err != nil {
				t.Fatalf("the database does not open with the new key alone: %v", err)
			}
			t.Cleanup(func() { _ = again.Close() })
			if string(again.Key().MAC("p", "x")) != mac {
				t.Error("keyed digests have changed")
			}
			if _, err := store.Open(t.Context(), url, master.Box()); err == nil {
				t.Error("the old key still opens the database")
			}
		})
	}
}

// KY-01: a secret that was copied into another user's row does not open there; the rest of the
// row can still be read and replaced.
func TestAMovedSecretDoesNotOpen(t *testing.T) {
	each(t, func(p place) {
		other := countersign.User{ID: "other", Login: "CBILLS", Name: "Carol Bills", Created: noon}
		p.in(func(ctx context.Context, tx *store.Tx) error {
			if err := tx.AddUser(ctx, other); err != nil {
				return err
			}
			return tx.SaveFactor(ctx, factorOf(other.ID, "other-app"))
		})
		p.tamper(`UPDATE factor SET secret = (SELECT f.secret FROM factor f WHERE f.id = 'ours-app') WHERE id = 'other-app'`)
		p.in(func(ctx context.Context, tx *store.Tx) error {
			all, err := tx.Factors(ctx, other.ID)
			if err != nil || len(all) != 1 || !all[0].Broken || len(all[0].Secret) > 0 {
				p.Errorf("got %+v, %v", all, err)
			}
			return err
		})
		p.in(func(ctx context.Context, tx *store.Tx) error {
			if err := tx.SaveFactor(ctx, factorOf(other.ID, "other-app-2")); err != nil {
				return err
			}
			all, err := tx.Factors(ctx, other.ID)
			if err != nil || len(all) != 1 || all[0].Broken || len(all[0].Secret) == 0 {
				p.Errorf("after it was replaced: %+v, %v", all, err)
			}
			return err
		})
	})
}

// A message that can't be decrypted is refused, and those beside it are sent.
func TestAMovedMessageHoldsNothingUp(t *testing.T) {
	each(t, func(p place) {
		p.in(func(ctx context.Context, tx *store.Tx) error {
			for _, id := range []countersign.MessageID{"one", "two"} {
				m := countersign.Message{ID: id, User: p.user.ID, Channel: countersign.ChannelEmail, Data: map[string]string{"n": string(id)}, Created: noon, Due: noon}
				if err := tx.AddMessage(ctx, m); err != nil {
					return err
				}
			}
			return nil
		})
		p.tamper(`UPDATE message SET data = (SELECT m.data FROM message m WHERE m.id = 'two') WHERE id = 'one'`)
		claimed, err := p.db.ClaimMessages(p.Context(), noon, store.Claim{Channels: []countersign.Channel{countersign.ChannelEmail}, Lease: 10, Limit: 10})
		if err != nil || len(claimed) != 1 || claimed[0].ID != "two" {
			p.Errorf("claimed %+v, %v", claimed, err)
		}
		p.in(func(ctx context.Context, tx *store.Tx) error {
			m, err := tx.Message(ctx, "one")
			if m.State != countersign.StateRefused || !strings.Contains(m.Answer, "moved or changed") {
				p.Errorf("the other one is %+v", m)
			}
			return err
		})
	})
}

// KY-03: a node that was stopped during a rotation seals nothing with the retired key. Once
// it has read the key file again, it works as before.
func TestANodeThatMissedARotation(t *testing.T) {
	urls := map[string]string{"SQLite": "sqlite:" + filepath.Join(t.TempDir(), "test.db"), "PostgreSQL": pgtest.DSN(t)}
	for engine, url := range urls {
		t.Run(engine, func(t *testing.T) {
			master, err := secret.NewMaster()
			if err != nil {
				t.Fatal(err)
			}
			introduced := master.WithNew()
			promoted, err := introduced.Promoted()
			if err != nil {
				t.Fatal(err)
			}
			box := master.Box()
			stopped := openWith(t, url, box)
			write := func() error {
				return stopped.db.In(t.Context(), stopped.ours, func(tx *store.Tx) error {
					return tx.AddAttempt(t.Context(), countersign.Attempt{ID: countersign.AttemptID(secret.NewID()), User: stopped.user.ID, Expires: noon})
				})
			}
			other, err := store.Open(t.Context(), url, promoted.Box())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = other.Close() })
			if err := write(); err != nil {
				t.Fatalf("before values are sealed again: %v", err)
			}
			for n := 1; n > 0; {
				if n, err = other.Reseal(t.Context(), 100); err != nil {
					t.Fatal(err)
				}
			}
			for name, m := range map[string]*secret.Master{"without the new key": master, "where the new key waits": introduced} {
				box.Use(m)
				if err := write(); countersign.KindOf(err) != countersign.KindUnavailable || !errors.Is(err, store.ErrOldKey) {
					t.Errorf("%s: %v", name, err)
				}
			}
			box.Use(promoted.Reduced())
			if err := write(); err != nil {
				t.Errorf("after the key file was read again: %v", err)
			}
			for n := range sealedWith(t, other) {
				if n != promoted.Sealing() {
					t.Errorf("a value is sealed with the retired key %s", n)
				}
			}
		})
	}
}

// sealedWith returns the keys that values of the database are sealed with.
func sealedWith(t *testing.T, db *store.DB) map[string]bool {
	t.Helper()
	rows, err := db.SealedRows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for _, s := range rows {
		keys[s.Key] = true
	}
	return keys
}
