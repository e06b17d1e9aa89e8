// Package authn holds what every sign-in, set-up and change of an account needs: attempts and their limits,
// spending and settling of tries, sending of tokens, admission and warnings.
package authn

import (
	"context"
	"slices"
	"strings"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// A Service holds what the services of sign-in, set-up and account share.
type Service struct {
	Store     *store.DB
	Methods   factor.Set
	Passwords *secret.Passwords
	Key       secret.Key
	Wake      func()            // tells the outbox that a message waits
	Texts     int               // text messages that all agencies together may send in a day; 0: no limit
	Refused   func(code string) // counts tries that were refused; nil: not counted
	Alarmed   func(code string) // counts alarms; nil: not counted

	pending pendingTries
}

// An Outcome tells the handler what is next and which cookies to set.
type Outcome struct {
	Step    policy.Step  // what the sign-in needs next; nil outside of one
	Stage   policy.Stage // the wizard's page; nil outside of it
	Session Cookie
	Attempt Cookie
	Browser Cookie
	Offer   bool                        // set-up was left before its end: the rest is offered first
	Then    string                      // where an admitted user goes; empty: home
	Notice  string                      // code of a sentence for the next page; empty: none
	Act     *countersign.PendingRequest // what the user posted after their session had ended, to continue now
	Message countersign.MessageID       // the token that was written for the next page; empty: none
}

// A Cookie is what becomes of a cookie: left alone, set, or cleared.
type Cookie struct {
	Change bool
	Handle countersign.Handle // empty: cleared
}

func SetCookie(h countersign.Handle) Cookie { return Cookie{Change: true, Handle: h} }

// ClearCookie is a cookie that is taken away.
var ClearCookie = Cookie{Change: true}

func AttemptID(h countersign.Handle) countersign.AttemptID {
	return countersign.AttemptID(secret.Digest(h))
}

func SessionID(h countersign.Handle) countersign.SessionID {
	return countersign.SessionID(secret.Digest(h))
}

// Facts loads all that the next step depends on.
func (s *Service) Facts(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, a countersign.Attempt) (policy.Facts, error) {
	f := policy.Facts{Now: v.Now, User: u, Attempt: a, Client: v.Client}
	var err error
	if f.Agency, err = tx.Preferences(ctx); err != nil {
		return f, err
	}
	if f.Factors, err = s.Usable(ctx, tx, v, u.ID); err != nil {
		return f, err
	}
	if f.RecoveryCodes, err = tx.RecoveryCodes(ctx, u.ID); err != nil {
		return f, err
	}
	if f.EnrollmentCode, err = tx.EnrollmentCode(ctx, u.ID); err != nil {
		return f, err
	}
	if f.TokenLimits, err = s.tokens(ctx, tx, v, u.ID); err != nil {
		return f, err
	}
	browser, known, err := s.Browser(ctx, tx, v)
	if err != nil || !known {
		return f, err
	}
	f.Browser = browser.ID
	all, err := tx.Devices(ctx, u.ID)
	for _, device := range all {
		if device.Browser == browser.ID {
			f.Devices = append(f.Devices, device)
		}
	}
	f.Known = true
	return f, err
}

// Usable are the verified methods that can still be asked for at the agency.
// One that is no longer offered is kept, but not used.
func (s *Service) Usable(ctx context.Context, tx *store.Tx, v countersign.Visit, user countersign.UserID) ([]countersign.Factor, error) {
	all, err := tx.Factors(ctx, user)
	if i := slices.IndexFunc(all, func(f countersign.Factor) bool { return f.Broken }); i >= 0 {
		return nil, brokenFactor(all[i])
	}
	offered := s.Kinds(v)
	return slices.DeleteFunc(all, func(f countersign.Factor) bool { return !slices.Contains(offered, f.Method) }), err
}

// Kinds are the methods that can be set up at the agency of the visit; a
// passkey needs a host name that it is made for.
func (s *Service) Kinds(v countersign.Visit) []countersign.Method {
	named := factor.SiteOf(v.Agency).HasPasskeys()
	return slices.DeleteFunc(s.Methods.Kinds(), func(m countersign.Method) bool { return m == countersign.MethodPasskey && !named })
}

// Browser is the row that the device cookie of the visit opens; known is false
// without one. The cookie is the row's ID and a secret, with a dot between.
func (s *Service) Browser(ctx context.Context, tx *store.Tx, v countersign.Visit) (b countersign.Browser, known bool, err error) {
	id, key, ok := strings.Cut(string(v.Browser), ".")
	if !ok {
		return b, false, nil
	}
	b, found, err := tx.Browser(ctx, countersign.BrowserID(id))
	if err != nil || !found {
		return countersign.Browser{}, false, err
	}
	if !secret.Equal(b.Digest, []byte(secret.Digest(countersign.Handle(key)))) {
		return countersign.Browser{}, false, nil
	}
	return b, true, nil
}

// ErrAttemptGone returns the error for an attempt that no longer exists.
func ErrAttemptGone() error {
	return countersign.Problem(countersign.KindGone, policy.RefusedExpired, "", nil)
}

// Lock lets one transaction at a time decide about the attempt of the visit
// and its user: it reads the attempt, locks its user, and reads the attempt again.
func (s *Service) Lock(ctx context.Context, tx *store.Tx, id countersign.AttemptID) (countersign.User, countersign.Attempt, error) {
	a, err := tx.Attempt(ctx, id)
	if err != nil {
		return countersign.User{}, a, OrGone(err)
	}
	u, err := tx.LockUser(ctx, a.User)
	if err != nil {
		return u, a, OrGone(err)
	}
	a, err = tx.Attempt(ctx, id)
	return u, a, OrGone(err)
}

// OrGone turns the error of a missing row into ErrAttemptGone.
func OrGone(err error) error {
	if countersign.KindOf(err) == countersign.KindNotFound {
		return ErrAttemptGone()
	}
	return err
}
