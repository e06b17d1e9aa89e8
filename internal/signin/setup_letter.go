package signin

import (
	"context"
	"slices"
	"strings"
	"time"

	"countersign"
	"countersign/internal/notice"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// setUpLetterAfter is how long the letter about a set-up waits for the next step
// of its wizard. One that is left is told by then.
const setUpLetterAfter = 10 * time.Minute

// methodAdded tells the user of a method that the wizard has just bound. The
// wizard of a first set-up says everything in one letter at its end (NT-05).
// Elsewhere a method is told at once, and so is a first one if the profile's
// address was changed shortly before: the user may not be the one who sets up.
func (d *Desk) methodAdded(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, m countersign.Method, passkey string) error {
	if f.Attempt.Purpose != countersign.SignIn || policy.RecentEmail(f.User, v.Now) {
		return notice.Tell(ctx, tx, v, f.User, countersign.KindMethodAdded, map[string]string{"Method": string(m), "Passkey": passkey})
	}
	f.Attempt.Setup.Untold = append(f.Attempt.Setup.Untold, m)
	return d.setUpLetter(ctx, tx, v, f, v.Now.Add(setUpLetterAfter), map[string]string{})
}

// setUpLetter writes the letter about a set-up so far, in place of the one before.
// It goes out at due, unless the wizard writes it again until then.
func (d *Desk) setUpLetter(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, due time.Time, data map[string]string) error {
	s := &f.Attempt.Setup
	if err := tx.WithdrawMessages(ctx, s.Letters); err != nil {
		return err
	}
	var methods []string
	for _, m := range s.Untold {
		if !slices.Contains(methods, string(m)) {
			methods = append(methods, string(m))
		}
	}
	factors, err := d.usable(ctx, tx, v, f.User.ID) // the Default may have been chosen just now
	if err != nil {
		return err
	}
	data["Methods"], data["Default"] = strings.Join(methods, " "), string(policy.Default(factors).Method)
	s.Letters, err = notice.TellAt(ctx, tx, v, f.User, countersign.KindSetUp, due, data)
	return err
}

// tellSignIn tells of a completed sign-in: of the set-up that it has ended, and of
// its connection where that is new. Both go into one letter.
func (d *Desk) tellSignIn(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, s countersign.Session, announce bool) error {
	data, err := map[string]string{}, error(nil)
	if announce {
		if data, err = d.disownLink(ctx, tx, v, f.User, s); err != nil {
			return err
		}
	}
	switch {
	case len(f.Attempt.Setup.Untold) > 0:
		return d.setUpLetter(ctx, tx, v, &f, v.Now, data)
	case announce:
		return notice.Tell(ctx, tx, v, f.User, countersign.KindNewConnection, data)
	default:
		return nil
	}
}
