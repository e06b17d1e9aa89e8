package account

import (
	"context"
	"time"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// An Unrecognized is what the link «This was not me» shows: a sign-in, and whose.
type Unrecognized struct {
	Link        countersign.Link
	User        countersign.User
	Session     countersign.Session // the sign-in, as it stands now
	Preferences countersign.Preferences
}

// UnrecognizedSignIn looks at the sign-in that a link disowns; it changes nothing.
func (s *Service) UnrecognizedSignIn(ctx context.Context, v countersign.Visit, handle countersign.Handle) (n Unrecognized, err error) {
	err = s.Authn.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		n, err = s.readUnrecognized(ctx, tx, v, handle)
		return err
	})
	return n, err
}

func (s *Service) readUnrecognized(ctx context.Context, tx *store.Tx, v countersign.Visit, handle countersign.Handle) (n Unrecognized, err error) {
	notMeOver := countersign.Problem(countersign.KindGone, "link.not_me_over", "", nil)
	missing := func(err error) error {
		if countersign.KindOf(err) == countersign.KindNotFound {
			return notMeOver
		}
		return err
	}
	if n.Link, err = tx.Link(ctx, secret.Digest(handle)); err != nil {
		return n, missing(err)
	}
	if n.Link.Purpose != countersign.LinkUnrecognized || !n.Link.Used.IsZero() || !v.Now.Before(n.Link.Expires) {
		return n, notMeOver
	}
	if n.User, err = tx.User(ctx, n.Link.User); err != nil {
		return n, missing(err)
	}
	if n.Session, err = tx.SessionOfLink(ctx, n.Link.Digest); err != nil {
		return n, missing(err)
	}
	n.Preferences, err = tx.Preferences(ctx)
	return n, err
}

// ReportUnrecognized does what the button behind the link says, once: it ends every session
// of that browser and whatever was begun, forgets the browser at every address,
// takes back what its sessions changed since then, and tells the administrators
// (DV-08). It signs no one in.
func (s *Service) ReportUnrecognized(ctx context.Context, v countersign.Visit, handle countersign.Handle) error {
	err := s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		n, err := s.readUnrecognized(ctx, tx, v, handle)
		if err != nil {
			return err
		}
		u, err := tx.LockUser(ctx, n.User.ID)
		if err != nil {
			return err
		}
		used, err := tx.UseLink(ctx, n.Link.Digest, v.Now)
		if err != nil {
			return err
		}
		if !used {
			return countersign.Problem(countersign.KindGone, "link.not_me_over", "", nil)
		}
		if err := s.endUnrecognized(ctx, tx, v, u, n.Session); err != nil {
			return err
		}
		e := v.Event("session.disowned", u)
		e.Method = string(n.Session.Proof)
		e.Detail = map[string]string{"ip": n.Session.Client.Address(), "device": n.Session.Client.Describe()}
		tx.Record(e)
		return notify.Administrators(ctx, tx, v, countersign.MessageAdminNotice, map[string]string{
			"What": "disowned", "UserID": u.Login, "Name": u.Name, "Session": n.Session.Client.Describe() + ", " + n.Session.Client.Address()})
	})
	if err == nil {
		s.Authn.Wake()
	}
	return err
}

// endUnrecognized ends a session with all others of its browser, forgets that browser,
// and takes back what was changed there.
func (s *Service) endUnrecognized(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, session countersign.Session) error {
	if _, err := tx.EndSession(ctx, u.ID, session.ID, "disowned", v.Now); err != nil {
		return err
	}
	if err := authn.ForgetBrowser(ctx, tx, v, u.ID, session.Browser, "", "disowned"); err != nil {
		return err
	}
	since, err := intrudedSince(ctx, tx, v, u.ID, session)
	if err != nil {
		return err
	}
	undone, err := s.undoChanges(ctx, tx, v, u, session.Browser, since)
	if err != nil {
		return err
	}
	if !undone {
		return s.endBegun(ctx, tx, v, u, session.Browser)
	}
	if err := tx.DropTokens(ctx, u.ID, v.Now); err != nil {
		return err
	}
	return s.Authn.EndOtherAttempts(ctx, tx, v, u, "")
}

// intrudedSince returns since when the changes made in the browser of a reported session are
// undone: since the user was first seen in it, but at most for as long as the link about a
// sign-in works. The browser may have been used by an intruder in earlier sessions (DV-08).
func intrudedSince(ctx context.Context, tx *store.Tx, v countersign.Visit, user countersign.UserID, session countersign.Session) (time.Time, error) {
	since, err := tx.FirstSeen(ctx, user, session.Browser)
	if limit := v.Now.Add(-policy.UnrecognizedLife); since.Before(limit) {
		since = limit
	}
	if session.Started.Before(since) {
		since = session.Started
	}
	return since, err
}

// endBegun ends the sign-ins of a user that a browser has begun.
func (s *Service) endBegun(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, b countersign.BrowserID) error {
	attempts, err := tx.UserAttempts(ctx, u.ID)
	if err != nil || b == "" {
		return err
	}
	for _, a := range attempts {
		if a.Browser != b {
			continue
		}
		if err := s.Authn.EndWithWarning(ctx, tx, v, u, a); err != nil {
			return err
		}
	}
	return nil
}
