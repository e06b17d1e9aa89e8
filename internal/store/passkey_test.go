package store_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign"
	"countersign/internal/store"
)

func passkeyOf(u countersign.UserID, id countersign.PasskeyID, credential byte) countersign.Passkey {
	return countersign.Passkey{ID: id, User: u, Name: "Chrome on Windows", Credential: bytes.Repeat([]byte{credential}, 1023), Created: noon,
		Key: countersign.PasskeyKey{Public: []byte{1, 2, credential}, Count: 4_000_000_000, Syncable: true, Transports: []string{"internal"}}}
}

// keyed gives our user two passkeys under one factor.
func keyed(p place) {
	p.in(func(ctx context.Context, tx *store.Tx) error {
		f := countersign.Factor{ID: "keys", User: p.user.ID, Method: countersign.MethodPasskey, Verified: noon}
		if err := tx.SaveFactor(ctx, f); err != nil {
			return err
		}
		if err := tx.AddPasskey(ctx, f.ID, passkeyOf(p.user.ID, "one", 1)); err != nil {
			return err
		}
		return tx.AddPasskey(ctx, f.ID, passkeyOf(p.user.ID, "two", 2))
	})
}

// have returns the passkeys of our user, and whether one of them is broken.
func have(p place) (all []countersign.Passkey, broken bool) {
	p.in(func(ctx context.Context, tx *store.Tx) error {
		factors, err := tx.Factors(ctx, p.user.ID)
		for _, f := range factors {
			if f.Method == countersign.MethodPasskey {
				all, broken = f.Passkeys, f.Broken
			}
		}
		return err
	})
	return all, broken
}

// Passkeys belong to a factor. They are used, renamed and removed one by one, and removed with
// the factor.
func TestPasskeys(t *testing.T) {
	each(t, func(p place) {
		keyed(p)
		used := passkeyOf(p.user.ID, "two", 2)
		p.in(func(ctx context.Context, tx *store.Tx) error {
			for credential, want := range map[byte]countersign.UserID{1: p.user.ID, 2: p.user.ID, 3: ""} {
				if got, err := tx.PasskeyOwner(ctx, bytes.Repeat([]byte{credential}, 1023)); err != nil || got != want {
					p.Errorf("credential %d is %q's, %v", credential, got, err)
				}
			}
			used.Key.Count, used.Key.Synced = 4_000_000_001, true
			if kept, err := tx.UsePasskey(ctx, used, noon.Add(time.Hour)); err != nil || !kept {
				return err
			}
			if found, err := tx.RenamePasskey(ctx, p.user.ID, "two", "YubiKey"); err != nil || !found {
				p.Errorf("not renamed: %v", err)
			}
			for _, who := range []countersign.UserID{"nobody", p.user.ID} {
				if found, err := tx.RemovePasskey(ctx, who, "one"); err != nil || found != (who == p.user.ID) {
					p.Errorf("removed by %s: %v, %v", who, found, err)
				}
			}
			return nil
		})
		used.Name, used.LastUsed = "YubiKey", noon.Add(time.Hour)
		got, broken := have(p)
		if diff := cmp.Diff([]countersign.Passkey{used}, got); diff != "" || broken {
			p.Errorf("broken %v (-want +got):\n%s", broken, diff)
		}
		p.in(func(ctx context.Context, tx *store.Tx) error { return tx.RemoveFactors(ctx, p.user.ID) })
		p.in(func(ctx context.Context, tx *store.Tx) error {
			owner, err := tx.PasskeyOwner(ctx, used.Credential)
			if owner != "" {
				p.Errorf("it is still %s's", owner)
			}
			return err
		})
	})
}

// PK-01: a credential belongs to one user.
func TestOneCredentialOneUser(t *testing.T) {
	each(t, func(p place) {
		keyed(p)
		err := p.db.In(p.Context(), p.ours, func(tx *store.Tx) error { return tx.AddPasskey(p.Context(), "keys", passkeyOf(p.user.ID, "three", 2)) })
		if countersign.KindOf(err) != countersign.KindConflict {
			p.Errorf("got %v", err)
		}
	})
}

// KY-01: a key that was moved to another passkey's row, another credential or another user
// does not open.
func TestAMovedPasskeyDoesNotOpen(t *testing.T) {
	for _, tamper := range []string{
		`UPDATE passkey SET sealed = (SELECT p.sealed FROM passkey p WHERE p.id = 'one') WHERE id = 'two'`,
		`UPDATE passkey SET credential = sealed WHERE id = 'two'`,
		`UPDATE passkey SET id = 'two-of-somebody' WHERE id = 'two'`,
		`UPDATE passkey SET user_id = 'somebody' WHERE id = 'two'`,
	} {
		each(t, func(p place) {
			keyed(p)
			p.tamper(tamper)
			all, broken := have(p)
			if !broken || len(all) != 2 || all[0].Broken || !all[1].Broken || len(all[1].Key.Public) > 0 {
				p.Errorf("broken %v: %+v", broken, all)
			}
		})
	}
}

// KY-01: another user's passkey that was put under our user's factor does not open, although
// its own row is unchanged.
func TestAPasskeyOfAnotherUnderOurFactor(t *testing.T) {
	each(t, func(p place) {
		keyed(p)
		p.in(func(ctx context.Context, tx *store.Tx) error {
			thief := passkeyOf("thief", "three", 3)
			thief.Created = noon.Add(time.Second)
			return tx.AddPasskey(ctx, "keys", thief)
		})
		all, broken := have(p)
		if !broken || len(all) != 3 || all[0].Broken || all[1].Broken || !all[2].Broken || len(all[2].Key.Public) > 0 {
			p.Errorf("broken %v: %+v", broken, all)
		}
	})
}

// A nonce is for one attempt and purpose, the newest counts, and it can be taken once; expired
// ones are removed.
func TestNonces(t *testing.T) {
	each(t, func(p place) {
		p.in(func(ctx context.Context, tx *store.Tx) error {
			if err := tx.SaveNonce(ctx, "a", countersign.NonceMake, []byte("earlier"), noon); err != nil {
				return err
			}
			if err := tx.SaveNonce(ctx, "a", countersign.NonceMake, []byte("newer"), noon.Add(time.Minute)); err != nil {
				return err
			}
			return tx.SaveNonce(ctx, "b", countersign.NonceProve, []byte("over"), noon)
		})
		if err := p.db.PruneNonces(p.Context(), noon.Add(time.Millisecond)); err != nil {
			p.Fatal(err)
		}
		p.in(func(ctx context.Context, tx *store.Tx) error {
			for _, of := range []struct {
				attempt countersign.AttemptID
				purpose countersign.NoncePurpose
				want    string
			}{{"b", countersign.NonceProve, ""}, {"a", countersign.NonceProve, ""}, {"a", countersign.NonceMake, "newer"}, {"a", countersign.NonceMake, ""}} {
				got, expires, err := tx.TakeNonce(ctx, of.attempt, of.purpose)
				if err != nil || string(got) != of.want || expires.IsZero() != (of.want == "") {
					p.Errorf("%+v: %s until %v, %v", of, got, expires, err)
				}
			}
			return nil
		})
	})
}

// A nonce without a row can be used once, and its mark stays until it expires.
func TestSpentNonces(t *testing.T) {
	each(t, func(p place) {
		spend := func(digest string, want bool) {
			p.Helper()
			p.in(func(ctx context.Context, tx *store.Tx) error {
				got, err := tx.SpendNonce(ctx, digest, noon)
				if got != want {
					p.Errorf("%s: %v", digest, got)
				}
				return err
			})
		}
		spend("a", true)
		spend("a", false)
		spend("b", true)
		for _, before := range []time.Time{noon, noon.Add(time.Millisecond)} {
			if err := p.db.PruneSpent(p.Context(), before); err != nil {
				p.Fatal(err)
			}
			spend("a", before.After(noon))
		}
	})
}
