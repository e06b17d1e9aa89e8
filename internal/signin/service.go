// Package signin holds the deeds that lead to a session and those that a user
// does to his own: password, token, the set-up wizard, step-up, sign-out, and
// what the User Profile changes. Each deed is one transaction: it gathers the
// facts, asks a rule, and does what the rule says.
package signin

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

// A Service is where people sign in.
type Service struct {
	Store     *store.DB
	Methods   factor.Set
	Passwords *secret.Passwords
	Key       secret.Key
	Wake      func()            // tells the outbox that a message waits
	Texts     int               // text messages that all agencies together may send in a day; 0: no limit
	Refused   func(code string) // counts guesses that were not taken; nil: nobody counts
	Alarmed   func(code string) // counts alarms; nil: nobody counts

	pending pendingTries
}

// An Outcome tells the door what is next and which cookies to set.
type Outcome struct {
	Step    policy.Step  // what the sign-in needs next; nil outside of one
	Stage   policy.Stage // where the wizard stands; nil outside of it
	Session Cookie
	Attempt Cookie
	Browser Cookie
	Offer   bool                        // set-up was left before its end: the rest is offered first (D-35)
	Then    string                      // where an admitted user goes; empty: home
	Notice  string                      // code of a sentence for the next page; empty: none
	Act     *countersign.PendingRequest // what the user had posted when his session ended, and goes on now
	Message countersign.MessageID       // the token that was written for the next page; empty: none
}

// A Cookie is what becomes of a cookie: left alone, set, or cleared.
type Cookie struct {
	Change bool
	Handle countersign.Handle // empty: cleared
}

func setCookie(h countersign.Handle) Cookie { return Cookie{Change: true, Handle: h} }

// clearCookie is a cookie that is taken away.
var clearCookie = Cookie{Change: true}

func attemptID(h countersign.Handle) countersign.AttemptID {
	return countersign.AttemptID(secret.Digest(h))
}

func sessionID(h countersign.Handle) countersign.SessionID {
	return countersign.SessionID(secret.Digest(h))
}

// facts gathers all that the next step depends on.
func (s *Service) facts(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, a countersign.Attempt) (policy.Facts, error) {
	f := policy.Facts{Now: v.Now, User: u, Attempt: a, Client: v.Client}
	var err error
	if f.Agency, err = tx.Preferences(ctx); err != nil {
		return f, err
	}
	if f.Factors, err = s.usable(ctx, tx, v, u.ID); err != nil {
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
	browser, known, err := s.browser(ctx, tx, v)
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

// usable are the verified methods that can still be asked for at the agency.
// One that is no longer offered is kept, but dormant (D-33).
func (s *Service) usable(ctx context.Context, tx *store.Tx, v countersign.Visit, user countersign.UserID) ([]countersign.Factor, error) {
	all, err := tx.Factors(ctx, user)
	if i := slices.IndexFunc(all, func(f countersign.Factor) bool { return f.Broken }); i >= 0 {
		return nil, brokenFactor(all[i])
	}
	offered := s.kinds(v)
	return slices.DeleteFunc(all, func(f countersign.Factor) bool { return !slices.Contains(offered, f.Method) }), err
}

// kinds are the methods that can be set up at the agency of the visit; a
// passkey needs a host name that it is made for.
func (s *Service) kinds(v countersign.Visit) []countersign.Method {
	named := factor.SiteOf(v.Agency).HasPasskeys()
	return slices.DeleteFunc(s.Methods.Kinds(), func(m countersign.Method) bool { return m == countersign.MethodPasskey && !named })
}

// browser is the row that the device cookie of the visit opens; known is false
// without one. The cookie is the row's ID and a secret, with a dot between.
func (s *Service) browser(ctx context.Context, tx *store.Tx, v countersign.Visit) (b countersign.Browser, known bool, err error) {
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

// newEvent begins an audit row with what the visit tells.
func newEvent(v countersign.Visit, action string, u countersign.User) countersign.Event {
	return countersign.Event{At: v.Now, Action: action, Actor: u.Login, Subject: u.Login, Client: v.Client, Request: v.Request}
}

// refusedEvent is record for what did not succeed, with the code of why.
func refusedEvent(v countersign.Visit, action string, u countersign.User, code string) countersign.Event {
	e := newEvent(v, action, u)
	e.Result, e.Reason = "refused", code
	return e
}

// problem makes an error for people.
func problem(kind countersign.ErrorKind, code, field string, args countersign.Args) error {
	return &countersign.Error{Kind: kind, Code: code, Field: field, Args: args}
}

// errAttemptGone is the answer for an attempt that is not there any more.
func errAttemptGone() error { return problem(countersign.KindGone, policy.RefusedExpired, "", nil) }

// lock lets one transaction at a time decide about the attempt of the visit
// and its user: it reads the attempt, locks its user, and reads the attempt again.
func (s *Service) lock(ctx context.Context, tx *store.Tx, id countersign.AttemptID) (countersign.User, countersign.Attempt, error) {
	a, err := tx.Attempt(ctx, id)
	if err != nil {
		return countersign.User{}, a, orGone(err)
	}
	u, err := tx.LockUser(ctx, a.User)
	if err != nil {
		return u, a, orGone(err)
	}
	a, err = tx.Attempt(ctx, id)
	return u, a, orGone(err)
}

// orGone turns a missing row into an attempt that is over.
func orGone(err error) error {
	if countersign.KindOf(err) == countersign.KindNotFound {
		return errAttemptGone()
	}
	return err
}
