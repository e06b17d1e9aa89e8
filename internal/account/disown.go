package account

import (
	"context"
	"slices"
	"time"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// An undo takes back what a disowned session has changed about its user.
type undo struct {
	d       *Service
	tx      *store.Tx
	v       countersign.Visit
	u       countersign.User
	any     bool // something was taken back
	removed []countersign.Method
	before  string                // the profile's address as the disowned session left it; empty: it changed none
	phone   string                // the profile's mobile phone, in the same way
	moved   []store.SessionChange // where tokens go again
}

// undoChanges takes back what the sessions of a browser changed since then: methods,
// passkeys and recovery codes go, addresses are put back; the same in browsers that
// are new since then, which may have been opened with what it changed. Whatever else was begun
// since then may rest on them, so it ends (DV-08). It reports whether there was anything.
func (s *Service) undoChanges(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, b countersign.BrowserID, since time.Time) (bool, error) {
	changes, err := tx.TakeChanges(ctx, u.ID, b, since)
	if err != nil || len(changes) == 0 {
		return false, err
	}
	later, err := tx.TakeLaterChanges(ctx, u.ID, since)
	if err != nil {
		return false, err
	}
	changes = append(changes, later...)
	slices.SortStableFunc(changes, func(a, b store.SessionChange) int { return b.At.Compare(a.At) })
	w := &undo{d: s, tx: tx, v: v, u: u}
	if err := w.names(ctx, changes); err != nil {
		return false, err
	}
	factors, err := tx.Factors(ctx, u.ID)
	if err != nil {
		return false, err
	}
	for _, step := range []func(context.Context, store.SessionChange) (bool, error){w.profile, w.mobile, w.tokens, w.codes, w.method, w.passkey, w.password} {
		if err := w.each(ctx, changes, step); err != nil {
			return false, err
		}
	}
	if err := w.standard(ctx, changes, policy.Default(factors).Method); err != nil {
		return false, err
	}
	if err := w.closeEmpty(ctx, changes); err != nil || !w.any {
		return false, err
	}
	if _, err := tx.ForgetDevices(ctx, u.ID, countersign.ForgottenMethods, v.Now); err != nil {
		return false, err
	}
	if err := tx.ForgetSince(ctx, u.ID, since, countersign.ForgottenByUser, v.Now); err != nil {
		return false, err
	}
	if err := tx.EndSessionsSince(ctx, u.ID, since, "disowned", v.Now); err != nil {
		return false, err
	}
	return true, w.notify(ctx)
}

// password counts a changed password as undone: it can't be put back, but whoever signed in
// with it since then is signed out and unknown. A password that was chosen later is the user's.
func (w *undo) password(_ context.Context, c store.SessionChange) (bool, error) {
	return c.Kind == store.ChangePassword && !w.u.PasswordAt.After(c.At), nil
}

// each takes back one change after another, the newest first. One address may have
// taken the place of another in the same millisecond, so it goes round until no
// change is the last one any more.
func (w *undo) each(ctx context.Context, changes []store.SessionChange, step func(context.Context, store.SessionChange) (bool, error)) error {
	left := slices.Clone(changes)
	for i := 0; i < len(left); i++ {
		done, err := step(ctx, left[i])
		if err != nil {
			return err
		}
		if done {
			w.any, left = true, slices.Delete(left, i, i+1)
			i = -1
		}
	}
	return nil
}

// profile puts the profile's address back.
func (w *undo) profile(ctx context.Context, c store.SessionChange) (bool, error) {
	if c.Kind != store.ChangeEmail || w.u.Email != c.Ref {
		return false, nil
	}
	if err := w.tx.LockContact(ctx, c.Was); err != nil {
		return false, err
	}
	others, err := w.tx.UsersByEmail(ctx, c.Was)
	if err != nil {
		return false, err
	}
	was := c.Was
	if slices.ContainsFunc(others, func(o countersign.User) bool { return o.ID != w.u.ID }) {
		was = "" // another user has it by now
	}
	if w.before == "" {
		w.before = w.u.Email
	}
	w.u.Email = was
	if err := w.tx.SaveUser(ctx, w.u); err != nil {
		return false, err
	}
	w.u.Version++
	w.u.OldEmail, w.u.EmailSince = "", authn.Never
	w.tx.Record(w.v.Event("profile.email_changed", w.u))
	if err := w.tx.SaveOldEmail(ctx, w.u.ID, "", authn.Never); err != nil {
		return false, err
	}
	return true, w.tx.EndLinks(ctx, w.u.ID)
}

// tokens lets tokens go again to where they went before. A number that too many others
// have by now takes none, so the method goes.
func (w *undo) tokens(ctx context.Context, c store.SessionChange) (bool, error) {
	if c.Kind != store.ChangeTokensTo {
		return false, nil
	}
	factors, err := w.tx.Factors(ctx, w.u.ID)
	i := slices.IndexFunc(factors, func(fa countersign.Factor) bool { return policy.Sends(fa.Method) && fa.Address == c.Ref })
	if err != nil || i < 0 {
		return false, err
	}
	fa := factors[i]
	free, err := w.free(ctx, fa.Method, c.Was)
	if err != nil {
		return false, err
	}
	if !free {
		w.recordRemoved(fa.Method, "")
		return true, w.d.dropFactor(ctx, w.tx, factors, i)
	}
	fa.ID, fa.Address, fa.Verified = countersign.FactorID(secret.NewID()), c.Was, w.v.Now
	if at := slices.IndexFunc(w.moved, func(m store.SessionChange) bool { return m.Was == c.Ref }); at >= 0 {
		w.moved[at].Was = c.Was
	} else {
		w.moved = append(w.moved, c)
	}
	w.tx.Record(authn.WithMethod(w.v.Event("method.added", w.u), fa.Method, ""))
	return true, w.tx.SaveFactor(ctx, fa)
}

// codes removes recovery codes that were made there.
func (w *undo) codes(ctx context.Context, c store.SessionChange) (bool, error) {
	if c.Kind != store.ChangeCodes {
		return false, nil
	}
	codes, err := w.tx.RecoveryCodes(ctx, w.u.ID)
	if err != nil || !codes.Made.Equal(c.At) {
		return false, err
	}
	w.recordRemoved(countersign.MethodRecovery, "")
	return true, w.tx.ClearRecoveryCodes(ctx, w.u.ID)
}

// method removes a method that was added there. Tokens by email to the profile's
// own address stay: the user reads that mailbox.
func (w *undo) method(ctx context.Context, c store.SessionChange) (bool, error) {
	if c.Kind != store.ChangeMethod {
		return false, nil
	}
	factors, err := w.tx.Factors(ctx, w.u.ID)
	i := slices.IndexFunc(factors, func(fa countersign.Factor) bool { return string(fa.ID) == c.Ref })
	if err != nil || i < 0 || factors[i].Method == countersign.MethodEmail && factors[i].Address == w.u.Email {
		return false, err
	}
	w.recordRemoved(factors[i].Method, "")
	return true, w.d.dropFactor(ctx, w.tx, factors, i)
}

// passkey removes a passkey that was made there, and with the last one the method.
func (w *undo) passkey(ctx context.Context, c store.SessionChange) (bool, error) {
	if c.Kind != store.ChangePasskey {
		return false, nil
	}
	factors, err := w.tx.Factors(ctx, w.u.ID)
	if err != nil {
		return false, err
	}
	at := slices.IndexFunc(factors, func(fa countersign.Factor) bool { return fa.Method == countersign.MethodPasskey })
	if at < 0 {
		return false, nil
	}
	i := slices.IndexFunc(factors[at].Passkeys, func(p countersign.Passkey) bool { return string(p.ID) == c.Ref })
	if i < 0 {
		return false, nil
	}
	w.recordRemoved(countersign.MethodPasskey, factors[at].Passkeys[i].Name)
	if len(factors[at].Passkeys) == 1 {
		return true, w.d.dropFactor(ctx, w.tx, factors, at)
	}
	return w.tx.RemovePasskey(ctx, w.u.ID, countersign.PasskeyID(c.Ref))
}

// recordRemoved records a method that is removed.
func (w *undo) recordRemoved(m countersign.Method, passkey string) {
	w.removed = append(w.removed, m)
	w.tx.Record(authn.WithMethod(w.v.Event("method.removed", w.u), m, passkey))
}

// closeEmpty lets the password alone open nothing where no method is left, or
// the disowned session has reset the user: the other one knows the password.
func (w *undo) closeEmpty(ctx context.Context, changes []store.SessionChange) error {
	factors, err := w.tx.Factors(ctx, w.u.ID)
	if err != nil || len(factors) > 0 {
		return err
	}
	reset := slices.ContainsFunc(changes, func(c store.SessionChange) bool { return c.Kind == store.ChangeReset && c.At.Equal(w.u.ResetAt) })
	if len(w.removed) == 0 && !reset {
		return nil
	}
	w.any = true
	return w.tx.OpenReset(ctx, w.u.ID, w.v.Now, w.v.Now, w.u.Login)
}
