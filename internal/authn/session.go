package authn

import (
	"context"
	"time"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// Never is the zero time, for what never was or is over.
var Never time.Time

// touchInterval is the precision of a session's last use: one second, so that no one
// is signed out early (SE-03), and the further requests of a page cost no write.
const touchInterval = time.Second

// A Principal is a signed-in user, with what every page of a session needs.
type Principal struct {
	Session     countersign.Session
	User        countersign.User
	Preferences countersign.Preferences
	Enrolled    bool // has a verified method
}

// Actor returns the principal as the actor of administrative changes.
func (g Principal) Actor() countersign.Actor {
	return countersign.Actor{User: g.User, Session: g.Session.ID}
}

// Fresh reports whether the user proved a second factor (or, without a method,
// typed the password) within the last five minutes (SE-06).
func (g Principal) Fresh(now time.Time) bool { return policy.ProvedRecently(g.Session, g.User, now) }

// Authenticate returns who is signed in with the session of the visit, within the limits
// of the moment (SE-03); otherwise an error of kind SignedOut says why not.
func (s *Service) Authenticate(ctx context.Context, v countersign.Visit) (Principal, error) {
	var g Principal
	if v.Session == "" {
		return g, countersign.Problem(countersign.SignedOut, "session.none", "", nil)
	}
	err := s.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		var err error
		if g.Session, err = tx.Session(ctx, SessionID(v.Session)); err != nil {
			return err
		}
		if g.User, err = tx.User(ctx, g.Session.User); err != nil {
			return err
		}
		g.Enrolled = g.User.Enrolled
		g.Preferences, err = tx.Preferences(ctx)
		return err
	})
	if countersign.KindOf(err) == countersign.KindNotFound {
		return Principal{}, countersign.Problem(countersign.SignedOut, "session.none", "", nil)
	}
	if err != nil {
		return Principal{}, err
	}
	if why := g.endedBecause(v.Now); why != nil {
		return Principal{}, why
	}
	if v.Now.Sub(g.Session.LastSeen) < touchInterval {
		return g, nil
	}
	return g, s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		return tx.TouchSession(ctx, g.Session.ID, v.Now)
	})
}

// endedBecause returns why a session is no longer valid; nil if it is.
func (g Principal) endedBecause(now time.Time) error {
	s, p := g.Session, g.Preferences
	absolute := s.Started.Add(p.Max)
	if s.Expires.Before(absolute) {
		absolute = s.Expires
	}
	switch {
	case s.EndedWhy == "signed-out":
		return countersign.Problem(countersign.SignedOut, "session.none", "", nil)
	case s.EndedWhy == "failures":
		return countersign.Problem(countersign.SignedOut, policy.RefusedFailures, "", nil)
	case !s.Ended.IsZero():
		return countersign.Problem(countersign.SignedOut, "session.ended", "", countersign.Args{"At": s.Ended})
	case g.User.Disabled:
		return countersign.Problem(countersign.SignedOut, "session.ended", "", countersign.Args{"At": now})
	case !now.Before(absolute):
		return countersign.Problem(countersign.SignedOut, "session.absolute", "", countersign.Args{"Hours": int(p.Max / time.Hour)})
	case !now.Before(s.LastSeen.Add(p.Idle)):
		return countersign.Problem(countersign.SignedOut, "session.idle", "", countersign.Args{"Minutes": int(p.Idle / time.Minute)})
	default:
		return nil
	}
}

// RotateSession gives the session of the visit a new handle and the proof of the
// facts, and counts it as a second factor on this device (SE-01).
func (s *Service) RotateSession(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts) (session, browser Cookie, err error) {
	handle := secret.NewHandle()
	old, renewed := f.Attempt.Session, SessionID(handle)
	alive, err := tx.RenewSession(ctx, old, renewed, countersign.Proof(f.Attempt.Proved), v.Now)
	if err != nil {
		return session, browser, err
	}
	if !alive {
		return session, browser, countersign.Problem(countersign.SignedOut, "session.ended", "", countersign.Args{"At": v.Now})
	}
	if err := tx.MoveSessionAttempts(ctx, old, renewed); err != nil {
		return session, browser, err
	}
	browser, err = s.saveDeviceAgain(ctx, tx, v, f, renewed)
	return SetCookie(handle), browser, err
}

// saveDeviceAgain counts a second factor within a session, in the browser that the
// session was begun in and in no other: what a session trusts goes when its
// browser is forgotten (DV-08).
func (s *Service) saveDeviceAgain(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, id countersign.SessionID) (Cookie, error) {
	session, err := tx.Session(ctx, id)
	if err != nil {
		return Cookie{}, err
	}
	b, known, err := s.Browser(ctx, tx, v)
	if err != nil || !known || b.ID != session.Browser {
		return Cookie{}, err
	}
	if f.Copied() {
		return Cookie{}, s.revokeCopied(ctx, tx, v, f)
	}
	step := policy.Admit{Proof: countersign.Proof(f.Attempt.Proved), Remember: policy.MayRemember(f)}
	_, cookie, err := s.saveDevice(ctx, tx, v, f, step, f.Declined())
	return cookie, err
}
