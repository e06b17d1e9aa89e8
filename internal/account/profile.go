package account

import (
	"context"
	"slices"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// A Profile is what the User Profile shows.
type Profile struct {
	authn.Principal
	Factors  []countersign.Factor
	Devices  []countersign.Device // remembered, or over
	Sessions []countersign.Session
	Events   []countersign.Event
	Missing  []countersign.Method // methods that could be added
	Codes    countersign.RecoveryCodes
}

// Offers reports whether the installation has a method.
func (s *Service) Offers(m countersign.Method) bool { return s.Authn.Methods.Of(m) != nil }

// HasPasskey reports whether the user has a passkey.
func (p Profile) HasPasskey() bool { return authn.Passkeys(p.Factors).ID != "" }

// recentEvents is how many events the User Profile shows.
const recentEvents = 10

// Profile loads the User Profile of the signed-in user.
func (s *Service) Profile(ctx context.Context, v countersign.Visit, g authn.Principal) (Profile, error) {
	p := Profile{Principal: g}
	err := s.Authn.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
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
		p.Events, err = tx.Events(ctx, g.User.Login, recentEvents)
		return err
	})
	for _, m := range s.Authn.Kinds(v) {
		if !slices.ContainsFunc(p.Factors, func(f countersign.Factor) bool { return f.Method == m }) {
			p.Missing = append(p.Missing, m)
		}
	}
	return p, err
}

// withUser runs f on the locked user of the guest, if a second factor was proved on
// his session within five minutes, as the session stands in this transaction
// (SE-06). Otherwise whatever f finds wrong is said first, so that nobody proves
// himself for what is refused anyway; then nothing of f is kept, and a step-up
// is asked for.
func (s *Service) withUser(ctx context.Context, v countersign.Visit, g authn.Principal, f func(*store.Tx, countersign.User) error) error {
	err := s.Authn.InTx(ctx, v, func(tx *store.Tx) error {
		u, err := tx.LockUser(ctx, g.User.ID)
		if err != nil {
			return err
		}
		session, err := tx.Session(ctx, g.Session.ID)
		if err != nil && countersign.KindOf(err) != countersign.KindNotFound {
			return err
		}
		if err != nil || !session.Ended.IsZero() {
			return countersign.Problem(countersign.SignedOut, "session.ended", "", countersign.Args{"At": v.Now})
		}
		if err := f(tx, u); err != nil {
			return err
		}
		if !policy.ProvedRecently(session, u, v.Now) {
			return authn.ErrStepUpRequired()
		}
		return nil
	})
	s.Authn.Wake()
	return err
}

// MakeDefault makes another verified method the Default (M34).
func (s *Service) MakeDefault(ctx context.Context, v countersign.Visit, g authn.Principal, m countersign.Method) error {
	return s.withUser(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		factors, err := tx.Factors(ctx, u.ID)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(factors, func(f countersign.Factor) bool { return f.Method == m }) {
			return countersign.Problem(countersign.KindInvalid, "default.unknown", "default", nil)
		}
		if err := s.Authn.EndOtherAttempts(ctx, tx, v, u, ""); err != nil {
			return err
		}
		if err := s.Authn.MakeDefault(ctx, tx, v, g.Session.ID, factors, m); err != nil {
			return err
		}
		return notify.Send(ctx, tx, v, u, countersign.MessageDefaultChanged, map[string]string{"Method": string(m)})
	})
}

// RemoveMethod removes a method other than email, which every user has; the
// Default falls to the strongest that remains.
func (s *Service) RemoveMethod(ctx context.Context, v countersign.Visit, g authn.Principal, m countersign.Method) error {
	return s.withUser(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		factors, err := tx.Factors(ctx, u.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(factors, func(f countersign.Factor) bool { return f.Method == m })
		if i < 0 || m == countersign.MethodEmail {
			return countersign.Problem(countersign.KindInvalid, "method.needed", "method", nil)
		}
		if err := s.dropFactor(ctx, tx, factors, i); err != nil {
			return err
		}
		return s.methodRemoved(ctx, tx, v, u, m, "")
	})
}

// dropFactor removes one of the methods; if it was the Default, the strongest
// that remains becomes it.
func (s *Service) dropFactor(ctx context.Context, tx *store.Tx, factors []countersign.Factor, i int) error {
	gone := factors[i]
	if err := tx.RemoveFactor(ctx, gone.User, gone.Method); err != nil || !gone.Default {
		return err
	}
	rest := policy.Default(slices.Delete(slices.Clone(factors), i, i+1))
	return tx.SetDefault(ctx, gone.User, rest.Method)
}

// methodRemoved does what follows when a method, or one passkey, was removed.
func (s *Service) methodRemoved(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, m countersign.Method, passkey string) error {
	if _, err := tx.ForgetDevices(ctx, u.ID, countersign.ForgottenMethods, v.Now); err != nil {
		return err
	}
	if err := s.Authn.EndOtherAttempts(ctx, tx, v, u, ""); err != nil {
		return err
	}
	tx.Record(authn.WithMethod(v.Event("method.removed", u), m, passkey))
	return notify.Send(ctx, tx, v, u, countersign.MessageMethodRemoved, map[string]string{"Method": string(m), "Passkey": passkey})
}

// ForgetDevice forgets one remembered device of the user at every address, and
// ends its sessions but this one; with an empty ID all of them (DV-06, DV-08).
func (s *Service) ForgetDevice(ctx context.Context, v countersign.Visit, g authn.Principal, id countersign.DeviceID) error {
	return s.withUser(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		e := v.Event("device.forgotten", u)
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
			return countersign.Problem(countersign.KindNotFound, "device.unknown", "", nil)
		}
		if err != nil {
			return err
		}
		tx.Record(e)
		return authn.ForgetBrowser(ctx, tx, v, u.ID, b, g.Session.ID, "user")
	})
}

// EndSession ends one session of the user; with an empty ID all but this one (SE-04).
func (s *Service) EndSession(ctx context.Context, v countersign.Visit, g authn.Principal, id countersign.SessionID) error {
	return s.withUser(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		tx.Record(v.Event("session.ended", u))
		if id == "" {
			_, err := tx.EndSessions(ctx, u.ID, g.Session.ID, "user", v.Now)
			return err
		}
		found, err := tx.EndSession(ctx, u.ID, id, "user", v.Now)
		if err == nil && !found {
			return countersign.Problem(countersign.KindNotFound, "session.unknown", "", nil)
		}
		return err
	})
}

// OpenEnrollment opens the wizard from the User Profile: «Setup 2 Factor
// Authentication». The methods stay as they are until a new one is proved.
// only: nothing but another passkey is made; empty: all methods are offered.
// then is where its end leads; empty: home.
func (s *Service) OpenEnrollment(ctx context.Context, v countersign.Visit, g authn.Principal, only countersign.Method, then string) (authn.Outcome, error) {
	handle := secret.NewHandle()
	out := authn.Outcome{Step: policy.Enroll{}, Attempt: authn.SetCookie(handle)}
	err := s.withUser(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		a := s.newEnrollment(v, u, countersign.PurposeEnrollment, handle)
		a.Session, a.ReturnTo = g.Session.ID, then
		if only == countersign.MethodPasskey {
			a.Enrollment.Method, a.Enrollment.Skipped, a.Enrollment.DefaultChosen = only, s.Authn.Methods.Kinds(), true
		}
		if err := s.Authn.EndOtherAttempts(ctx, tx, v, u, ""); err != nil {
			return err
		}
		factors, err := tx.Factors(ctx, u.ID)
		if err != nil {
			return err
		}
		out.Stage = policy.NextStage(a.Enrollment, factors, s.Authn.Methods.Kinds())
		tx.Record(v.Event("set-up.opened", u))
		return s.Authn.AddAttempt(ctx, tx, v, u, a)
	})
	return out, err
}

func (s *Service) newEnrollment(v countersign.Visit, u countersign.User, p countersign.Purpose, handle countersign.Handle) countersign.Attempt {
	return countersign.Attempt{
		ID:         authn.AttemptID(handle),
		User:       u.ID,
		Purpose:    p,
		Client:     v.Client,
		Password:   true,
		Enrollment: countersign.Enrollment{Open: true, Key: secret.AppKey(), KeyAt: v.Now},
		Started:    v.Now,
		Expires:    v.Now.Add(policy.EnrollmentLife),
	}
}

// ResetOwn is «Reset/Disable 2 Factor Authentication» on the own profile: the
// password again and a fresh second factor; then every session ends, and this
// browser may set up and do nothing else (M24, M27, RS-01). The password comes
// first; proved: it was right before the step-up that has just been done.
func (s *Service) ResetOwn(ctx context.Context, v countersign.Visit, g authn.Principal, password string, proved bool) (authn.Outcome, error) {
	if !g.Preferences.SelfReset {
		return authn.Outcome{}, countersign.Problem(countersign.KindDenied, "reset.self_off", "", nil)
	}
	if !proved {
		if err := s.ownPassword(ctx, v, g, "two-factor.reset", password); err != nil {
			return authn.Outcome{}, err
		}
	}
	handle := secret.NewHandle()
	err := s.withUser(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		if !policy.SamePassword(g.User, u) {
			return countersign.Problem(countersign.KindInvalid, "password.own_wrong", "password", nil)
		}
		if err := lockLastAdmin(ctx, tx, u); err != nil {
			return err
		}
		if err := notify.Send(ctx, tx, v, u, countersign.MessageReset, map[string]string{"Until": notify.Until(v.Now.Add(policy.ResetLife))}); err != nil {
			return err
		}
		if err := tx.ClearTwoFactor(ctx, u.ID, v.Now); err != nil {
			return err
		}
		if err := tx.OpenReset(ctx, u.ID, v.Now, v.Now.Add(policy.ResetLife), u.Login); err != nil {
			return err
		}
		tx.Record(v.Event("two-factor.reset", u))
		if err := authn.NoteChange(ctx, tx, v, g.Session.ID, store.SessionChange{Kind: store.ChangeReset}); err != nil {
			return err
		}
		return s.Authn.AddAttempt(ctx, tx, v, u, s.newEnrollment(v, u, countersign.PurposeSignIn, handle))
	})
	if countersign.KindOf(err) == countersign.KindDenied {
		err = s.resetRefused(ctx, v, g, err)
	}
	return authn.Outcome{Step: policy.Enroll{}, Stage: policy.ProposeEmail{}, Session: authn.ClearCookie, Attempt: authn.SetCookie(handle)}, err
}

// MayResetOwn returns why users may not reset themselves, before their password is
// asked for; nil if they may. ResetOwn checks again.
func (s *Service) MayResetOwn(ctx context.Context, v countersign.Visit, g authn.Principal) error {
	if !g.Preferences.SelfReset {
		return countersign.Problem(countersign.KindDenied, "reset.self_off", "", nil)
	}
	return s.Authn.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error { return refuseLastAdmin(ctx, tx, g.User) })
}

// lockLastAdmin is last for who is about to do it: of two at once the second is refused.
func lockLastAdmin(ctx context.Context, tx *store.Tx, u countersign.User) error {
	if len(policy.Grants(u)) > 0 {
		if err := tx.LockAdministration(ctx); err != nil {
			return err
		}
	}
	return refuseLastAdmin(ctx, tx, u)
}

// refuseLastAdmin refuses to reset the last administrator: if they did not finish set-up
// in time, only the operator on the host could restore their access (RS-07).
func refuseLastAdmin(ctx context.Context, tx *store.Tx, u countersign.User) error {
	lost := policy.Grants(u)
	if len(lost) == 0 {
		return nil
	}
	holders, err := tx.UsersWith(ctx, countersign.RightUsers)
	if err != nil {
		return err
	}
	return policy.RefuseLast(u, lost, holders)
}

// ownPassword returns why what was typed is not the user's password; nil if it is.
// A session makes no guess cheaper: each is counted like one at the sign-in page.
// A wrong one is a refused action.
func (s *Service) ownPassword(ctx context.Context, v countersign.Visit, g authn.Principal, action, password string) error {
	if password == "" {
		return countersign.Problem(countersign.KindInvalid, "password.required", "password", nil)
	}
	ctx, cancel, err := authn.UntilSettled(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	t, err := s.Authn.CheckPassword(ctx, v, g.User, g.User.Login, password)
	if err != nil {
		return err
	}
	err = s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		if t.Right {
			return s.Authn.AcceptTry(ctx, tx, t.Try)
		}
		tx.Record(v.RefusedEvent(action, g.User, "password.own_wrong"))
		return s.Authn.FailTry(ctx, tx, v, g.User, t.Try)
	})
	if err == nil && !t.Right {
		return countersign.Problem(countersign.KindInvalid, "password.own_wrong", "password", nil)
	}
	return err
}

// resetRefused writes the audit row of a reset that was refused, and says why.
func (s *Service) resetRefused(ctx context.Context, v countersign.Visit, g authn.Principal, why error) error {
	err := s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		tx.Record(v.RefusedEvent("two-factor.reset", g.User, countersign.CodeOf(why)))
		return nil
	})
	if err != nil {
		return err
	}
	return why
}
