package signin

import (
	"context"
	"slices"

	"countersign"
	"countersign/internal/notice"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// A Profile is what the User Profile shows.
type Profile struct {
	Guest
	Factors  []countersign.Factor
	Devices  []countersign.Device // remembered, or over
	Sessions []countersign.Session
	Events   []countersign.Event
	Missing  []countersign.Method // methods that could be added
	Codes    countersign.RecoveryCodes
}

// Offers tells whether the installation has a method.
func (d *Desk) Offers(m countersign.Method) bool { return d.Methods.Of(m) != nil }

// HasPasskey tells whether the user has a passkey.
func (p Profile) HasPasskey() bool { return passkeys(p.Factors).ID != "" }

// recent is how many events the User Profile shows.
const recent = 10

// Profile gathers the User Profile of the guest.
func (d *Desk) Profile(ctx context.Context, v countersign.Visit, g Guest) (Profile, error) {
	p := Profile{Guest: g}
	err := d.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		var err error
		if p.Factors, err = tx.Factors(ctx, g.User.ID); err != nil {
			return err
		}
		if p.Codes, err = tx.RecoveryCodes(ctx, g.User.ID); err != nil {
			return err
		}
		all, err := tx.Devices(ctx, g.User.ID)
		if err != nil {
			return err
		}
		p.Devices = slices.DeleteFunc(all, func(c countersign.Device) bool { return c.Proved.IsZero() })
		if p.Sessions, err = tx.Sessions(ctx, g.User.ID, v.Now, v.Now.Add(-g.Preferences.Idle)); err != nil {
			return err
		}
		p.Events, err = tx.Events(ctx, g.User.Login, recent)
		return err
	})
	for _, m := range d.kinds(v) {
		if !slices.ContainsFunc(p.Factors, func(f countersign.Factor) bool { return f.Method == m }) {
			p.Missing = append(p.Missing, m)
		}
	}
	return p, err
}

// own runs f on the locked user of the guest, if a second factor was proved on
// his session within five minutes, as the session stands in this transaction
// (SE-06). Otherwise whatever f finds wrong is said first, so that nobody proves
// himself for what is refused anyway; then nothing of f is kept, and a step-up
// is asked for.
func (d *Desk) own(ctx context.Context, v countersign.Visit, g Guest, f func(*store.Tx, countersign.User) error) error {
	err := d.in(ctx, v, func(tx *store.Tx) error {
		u, err := tx.LockUser(ctx, g.User.ID)
		if err != nil {
			return err
		}
		s, err := tx.Session(ctx, g.Session.ID)
		if err != nil && countersign.KindOf(err) != countersign.NotFound {
			return err
		}
		if err != nil || !s.Ended.IsZero() {
			return fail(countersign.SignedOut, "session.ended", "", countersign.Args{"At": v.Now})
		}
		if err := f(tx, u); err != nil {
			return err
		}
		if !policy.Recent(s, u, v.Now) {
			return stale()
		}
		return nil
	})
	d.Wake()
	return err
}

// stale is the answer of a deed that needs a step-up first.
func stale() error { return fail(countersign.Stale, "step_up.needed", "", nil) }

// MakeDefault makes another verified method the Default (M34).
func (d *Desk) MakeDefault(ctx context.Context, v countersign.Visit, g Guest, m countersign.Method) error {
	return d.own(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		factors, err := tx.Factors(ctx, u.ID)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(factors, func(f countersign.Factor) bool { return f.Method == m }) {
			return fail(countersign.Invalid, "default.unknown", "default", nil)
		}
		if err := d.endOthers(ctx, tx, v, u, ""); err != nil {
			return err
		}
		if err := d.makeDefault(ctx, tx, v, g.Session.ID, factors, m); err != nil {
			return err
		}
		return notice.Tell(ctx, tx, v, u, countersign.KindDefaultChanged, map[string]string{"Method": string(m)})
	})
}

// makeDefault changes the Default of the user that factors belong to, if it is a
// change. session is the one that does; empty: the wizard of a sign-in.
func (d *Desk) makeDefault(ctx context.Context, tx *store.Tx, v countersign.Visit, session countersign.SessionID, factors []countersign.Factor, m countersign.Method) error {
	before := policy.Default(factors)
	if before.Method == m && before.Default {
		return nil
	}
	u, err := tx.User(ctx, before.User)
	if err != nil {
		return err
	}
	c := store.SessionChange{Kind: store.ChangeDefault, Ref: string(m), Was: string(before.Method)}
	if err := noteChange(ctx, tx, v, session, c); err != nil {
		return err
	}
	tx.Record(method(record(v, "method.default", u), m, ""))
	return tx.SetDefault(ctx, u.ID, m)
}

// RemoveMethod removes a method other than email, which every user has; the
// Default falls to the strongest that remains (D-34).
func (d *Desk) RemoveMethod(ctx context.Context, v countersign.Visit, g Guest, m countersign.Method) error {
	return d.own(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		factors, err := tx.Factors(ctx, u.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(factors, func(f countersign.Factor) bool { return f.Method == m })
		if i < 0 || m == countersign.Email {
			return fail(countersign.Invalid, "method.needed", "method", nil)
		}
		if err := d.dropFactor(ctx, tx, factors, i); err != nil {
			return err
		}
		return d.methodRemoved(ctx, tx, v, u, m, "")
	})
}

// dropFactor removes one of the methods; if it was the Default, the strongest
// that remains becomes it.
func (d *Desk) dropFactor(ctx context.Context, tx *store.Tx, factors []countersign.Factor, i int) error {
	gone := factors[i]
	if err := tx.RemoveFactor(ctx, gone.User, gone.Method); err != nil || !gone.Default {
		return err
	}
	rest := policy.Default(slices.Delete(slices.Clone(factors), i, i+1))
	return tx.SetDefault(ctx, gone.User, rest.Method)
}

// methodRemoved does what follows when a method, or one passkey, was removed (D-41).
func (d *Desk) methodRemoved(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, m countersign.Method, passkey string) error {
	if _, err := tx.ForgetDevices(ctx, u.ID, countersign.ForgottenMethods, v.Now); err != nil {
		return err
	}
	if err := d.endOthers(ctx, tx, v, u, ""); err != nil {
		return err
	}
	tx.Record(method(record(v, "method.removed", u), m, passkey))
	return notice.Tell(ctx, tx, v, u, countersign.KindMethodRemoved, map[string]string{"Method": string(m), "Passkey": passkey})
}

// method names in an audit row which method it is about, and which passkey.
func method(e countersign.Event, m countersign.Method, passkey string) countersign.Event {
	e.Method = string(m)
	if passkey != "" {
		e.Detail = map[string]string{"passkey": passkey}
	}
	return e
}

// ForgetDevice forgets one remembered device of the guest at every address, and
// ends its sessions but this one; with an empty ID all of them (DV-06, DV-08).
func (d *Desk) ForgetDevice(ctx context.Context, v countersign.Visit, g Guest, id countersign.DeviceID) error {
	return d.own(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		e := record(v, "device.forgotten", u)
		if id == "" {
			tx.Record(e)
			if err := tx.ForgetBrowsers(ctx, u.ID, countersign.ForgottenByUser, v.Now); err != nil {
				return err
			}
			_, err := tx.EndSessions(ctx, u.ID, g.Session.ID, "user", v.Now)
			return err
		}
		b, remembered, err := tx.DeviceBrowser(ctx, u.ID, id)
		if err == nil && !remembered {
			return fail(countersign.NotFound, "device.unknown", "", nil)
		}
		if err != nil {
			return err
		}
		tx.Record(e)
		return forgetBrowser(ctx, tx, v, u.ID, b, g.Session.ID, "user")
	})
}

// EndSession ends one session of the guest; with an empty ID all but this one (SE-04).
func (d *Desk) EndSession(ctx context.Context, v countersign.Visit, g Guest, id countersign.SessionID) error {
	return d.own(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		tx.Record(record(v, "session.ended", u))
		if id == "" {
			_, err := tx.EndSessions(ctx, u.ID, g.Session.ID, "user", v.Now)
			return err
		}
		found, err := tx.EndSession(ctx, u.ID, id, "user", v.Now)
		if err == nil && !found {
			return fail(countersign.NotFound, "session.unknown", "", nil)
		}
		return err
	})
}

// OpenSetUp opens the wizard from the User Profile: «Setup 2 Factor
// Authentication». The methods stay as they are until a new one is proved (D-37).
// only: nothing but another passkey is made; empty: all methods are offered.
// then is where its end leads; empty: home.
func (d *Desk) OpenSetUp(ctx context.Context, v countersign.Visit, g Guest, only countersign.Method, then string) (Outcome, error) {
	handle := secret.NewHandle()
	out := Outcome{Step: policy.SetUp{}, Attempt: set(handle)}
	err := d.own(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		a := d.newWizard(v, u, countersign.SetUp, handle)
		a.Session, a.Then = g.Session.ID, then
		if only == countersign.ByPasskey {
			a.Setup.Method, a.Setup.Skipped, a.Setup.Chosen = only, d.Methods.Kinds(), true
		}
		if err := d.endOthers(ctx, tx, v, u, ""); err != nil {
			return err
		}
		factors, err := tx.Factors(ctx, u.ID)
		if err != nil {
			return err
		}
		out.Stage = policy.NextStage(a.Setup, factors, d.Methods.Kinds())
		tx.Record(record(v, "set-up.opened", u))
		return d.addAttempt(ctx, tx, v, u, a)
	})
	return out, err
}

func (d *Desk) newWizard(v countersign.Visit, u countersign.User, p countersign.Purpose, handle countersign.Handle) countersign.Attempt {
	return countersign.Attempt{
		ID:       attemptID(handle),
		User:     u.ID,
		Purpose:  p,
		Client:   v.Client,
		Password: true,
		Setup:    countersign.Setup{Open: true, Key: secret.AppKey(), KeyAt: v.Now},
		Started:  v.Now,
		Expires:  v.Now.Add(policy.SetUpLife),
	}
}

// ResetOwn is «Reset/Disable 2 Factor Authentication» on the own profile: the
// password again and a fresh second factor; then every session ends, and this
// browser may set up and do nothing else (M24, M27, RS-01). The password comes
// first; proved: it was right before the step-up that has just been done.
func (d *Desk) ResetOwn(ctx context.Context, v countersign.Visit, g Guest, password string, proved bool) (Outcome, error) {
	if !g.Preferences.SelfReset {
		return Outcome{}, fail(countersign.Denied, "reset.self_off", "", nil)
	}
	if !proved {
		if err := d.ownPassword(ctx, v, g, "two-factor.reset", password); err != nil {
			return Outcome{}, err
		}
	}
	handle := secret.NewHandle()
	err := d.own(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		if !policy.SamePassword(g.User, u) {
			return fail(countersign.Invalid, "password.own_wrong", "password", nil)
		}
		if err := notLast(ctx, tx, u); err != nil {
			return err
		}
		if err := notice.Tell(ctx, tx, v, u, countersign.KindReset, map[string]string{"Until": notice.Until(v.Now.Add(policy.ResetLife))}); err != nil {
			return err
		}
		if err := tx.ClearTwoFactor(ctx, u.ID, v.Now); err != nil {
			return err
		}
		if err := tx.OpenReset(ctx, u.ID, v.Now, v.Now.Add(policy.ResetLife), u.Login); err != nil {
			return err
		}
		tx.Record(record(v, "two-factor.reset", u))
		if err := noteChange(ctx, tx, v, g.Session.ID, store.SessionChange{Kind: store.ChangeReset}); err != nil {
			return err
		}
		return d.addAttempt(ctx, tx, v, u, d.newWizard(v, u, countersign.SignIn, handle))
	})
	if countersign.KindOf(err) == countersign.Denied {
		err = d.resetRefused(ctx, v, g, err)
	}
	return Outcome{Step: policy.SetUp{}, Stage: policy.ProposeEmail{}, Session: cleared, Attempt: set(handle)}, err
}

// MayResetOwn says why the guest may not reset himself, before his password is
// asked for; nil if he may. ResetOwn asks again.
func (d *Desk) MayResetOwn(ctx context.Context, v countersign.Visit, g Guest) error {
	if !g.Preferences.SelfReset {
		return fail(countersign.Denied, "reset.self_off", "", nil)
	}
	return d.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error { return last(ctx, tx, g.User) })
}

// notLast is last for who is about to do it: of two at once the second is refused.
func notLast(ctx context.Context, tx *store.Tx, u countersign.User) error {
	if len(policy.Gives(u)) > 0 {
		if err := tx.LockAdministration(ctx); err != nil {
			return err
		}
	}
	return last(ctx, tx, u)
}

// last refuses to reset the last administrator: if he did not finish set-up
// in time, nobody could let him in again but the host's operator (RS-07).
func last(ctx context.Context, tx *store.Tx, u countersign.User) error {
	lost := policy.Gives(u)
	if len(lost) == 0 {
		return nil
	}
	holders, err := tx.UsersWith(ctx, countersign.RightUsers)
	if err != nil {
		return err
	}
	return policy.RefuseLast(u, lost, holders)
}

// ownPassword says why what was typed is not the guest's password; nil if it is.
// A session makes no guess cheaper: each is counted like one at the sign-in page.
// A wrong one is a refused action.
func (d *Desk) ownPassword(ctx context.Context, v countersign.Visit, g Guest, action, password string) error {
	if password == "" {
		return fail(countersign.Invalid, "password.required", "password", nil)
	}
	ctx, cancel, err := untilSettled(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	t, err := d.tryPassword(ctx, v, g.User, g.User.Login, password)
	if err != nil {
		return err
	}
	err = d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		if t.right {
			return d.rightGuess(ctx, tx, t.guess)
		}
		tx.Record(refused(v, action, g.User, "password.own_wrong"))
		return d.wrongGuess(ctx, tx, v, g.User, t.guess)
	})
	if err == nil && !t.right {
		return fail(countersign.Invalid, "password.own_wrong", "password", nil)
	}
	return err
}

// resetRefused writes the audit row of a reset that was refused, and says why.
func (d *Desk) resetRefused(ctx context.Context, v countersign.Visit, g Guest, why error) error {
	err := d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		tx.Record(refused(v, "two-factor.reset", g.User, countersign.CodeOf(why)))
		return nil
	})
	if err != nil {
		return err
	}
	return why
}
