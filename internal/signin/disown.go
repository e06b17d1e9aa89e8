package signin

import (
	"context"
	"slices"
	"time"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// forgetBrowser forgets a browser of a user at every address and ends its
// sessions but one (DV-08).
func forgetBrowser(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.UserID, b countersign.BrowserID, but countersign.SessionID, ended string) error {
	if b == "" {
		return nil
	}
	if err := tx.ForgetBrowser(ctx, u, b, countersign.ForgottenByUser, v.Now); err != nil {
		return err
	}
	return tx.EndBrowser(ctx, u, b, but, ended, v.Now)
}

// forgetHere forgets the browser that a session was begun in, and the one that
// shows the session now. It does so for a session that is over as well: its
// user pressed the button, and no one else has the cookie.
func (s *Service) forgetHere(ctx context.Context, tx *store.Tx, v countersign.Visit) error {
	session, err := tx.Session(ctx, sessionID(v.Session))
	if countersign.KindOf(err) == countersign.KindNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	u, err := tx.LockUser(ctx, session.User)
	if err != nil {
		return err
	}
	if err := forgetBrowser(ctx, tx, v, u.ID, session.Browser, "", "signed-out"); err != nil {
		return err
	}
	here, known, err := s.browser(ctx, tx, v)
	if err != nil || !known || here.ID == session.Browser {
		return err
	}
	return forgetBrowser(ctx, tx, v, u.ID, here.ID, "", "signed-out")
}

// noteEnrolled keeps which methods the wizard of a sign-in has bound, for the
// session that it ends in.
func (s *Service) noteEnrolled(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, b countersign.BrowserID) error {
	if len(f.Attempt.Enrollment.Verified) == 0 {
		return nil
	}
	factors, err := tx.Factors(ctx, f.User.ID)
	if err != nil {
		return err
	}
	c := store.SessionChange{User: f.User.ID, Browser: b, At: v.Now}
	for _, fa := range factors {
		if !slices.Contains(f.Attempt.Enrollment.Verified, fa.Method) {
			continue
		}
		if fa.Method != countersign.MethodPasskey {
			c.Kind, c.Ref = store.ChangeMethod, string(fa.ID)
			if err := tx.RecordChange(ctx, c); err != nil {
				return err
			}
		}
		for _, p := range fa.Passkeys {
			c.Kind, c.Ref = store.ChangePasskey, string(p.ID)
			if p.Created.Before(f.Attempt.Started) {
				continue
			}
			if err := tx.RecordChange(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// noteChange keeps what a session changed about its user.
func noteChange(ctx context.Context, tx *store.Tx, v countersign.Visit, session countersign.SessionID, c store.SessionChange) error {
	if session == "" {
		return nil // the wizard of a sign-in: noteEnrolled follows
	}
	s, err := tx.Session(ctx, session)
	if err != nil {
		return err
	}
	c.User, c.Browser, c.At = s.User, s.Browser, v.Now
	return tx.RecordChange(ctx, c)
}

// boundChange is the change that a wizard makes by binding fa, in place of the
// factor at replaced; -1: of none.
func boundChange(f policy.Facts, replaced int, fa countersign.Factor) store.SessionChange {
	if replaced >= 0 && policy.Sends(fa.Method) {
		return store.SessionChange{Kind: store.ChangeTokensTo, Ref: fa.Address, Was: f.Factors[replaced].Address}
	}
	return store.SessionChange{Kind: store.ChangeMethod, Ref: string(fa.ID)}
}

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
	for _, step := range []func(context.Context, store.SessionChange) (bool, error){w.profile, w.mobile, w.tokens, w.codes, w.method, w.passkey} {
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
	w.u.OldEmail, w.u.EmailSince = "", never
	w.tx.Record(newEvent(w.v, "profile.email_changed", w.u))
	if err := w.tx.SaveOldEmail(ctx, w.u.ID, "", never); err != nil {
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
	w.tx.Record(withMethod(newEvent(w.v, "method.added", w.u), fa.Method, ""))
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
	w.tx.Record(withMethod(newEvent(w.v, "method.removed", w.u), m, passkey))
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
