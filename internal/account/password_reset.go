package account

import (
	"context"
	"errors"
	"strings"
	"time"

	"countersign"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// RequestPasswordReset takes the wish for a link to choose a new password. It looks at no
// user, so that nothing about the answer, its time included, can tell who
// exists (EN-01, EN-02); the letter is written by WriteLinks. Beyond the limit
// of a network nothing is kept, and the answer is the same.
func (s *Service) RequestPasswordReset(ctx context.Context, v countersign.Visit, login string) (until time.Time, err error) {
	if len(login) > countersign.MaxTypedLength {
		login = strings.ToValidUTF8(login[:countersign.MaxTypedLength], "") // no database looks for half a letter
	}
	err = s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		if left, err := spendResetRequest(ctx, tx, v); err != nil || !left {
			return err
		}
		return tx.AddResetRequest(ctx, countersign.ResetRequest{ID: secret.NewID(), Login: login, Client: v.Client, Request: v.Request, At: v.Now})
	})
	s.Authn.Wake()
	return v.Now.Add(policy.PasswordLink), err
}

// spendResetRequest pays for one wish of the network, and of the wider one that it lies in:
// who holds many networks fills no log with wishes (TH-04).
func spendResetRequest(ctx context.Context, tx *store.Tx, v countersign.Visit) (bool, error) {
	left, err := tx.SpendResetRequest(ctx, v.Client.Network(), v.Now, time.Hour, policy.MaxResetRequests)
	if wide := v.Client.Wide(); err == nil && left && wide != "" {
		left, err = tx.SpendResetRequest(ctx, wide, v.Now, time.Hour, policy.MaxResetRequestsWide)
	}
	return left, err
}

// resetBatch is how many wishes are looked at in one round.
const resetBatch = 32

// SendPasswordResets writes the letters of those who asked for a link: a loop that runs
// beside the requests. agency is an agency as its letters need it, with its URL.
func (s *Service) SendPasswordResets(ctx context.Context, now time.Time, agency func(context.Context, countersign.AgencyID) (countersign.Agency, error)) error {
	asks, err := s.Authn.Store.ResetRequests(ctx, resetBatch)
	if err != nil {
		return err
	}
	var problems []error
	for _, a := range asks {
		home, err := agency(ctx, a.Agency)
		if err == nil {
			err = s.sendPasswordReset(ctx, now, home, a)
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// sendPasswordReset answers one wish: with a letter, or with nothing but an audit row.
func (s *Service) sendPasswordReset(ctx context.Context, now time.Time, agency countersign.Agency, a countersign.ResetRequest) error {
	v := countersign.Visit{Agency: agency, Client: a.Client, Now: a.At, Request: a.Request}
	return s.Authn.Store.In(ctx, agency.ID, func(tx *store.Tx) error {
		mine, err := tx.TakeResetRequest(ctx, a.ID)
		if err != nil || !mine {
			return err
		}
		if now.Sub(a.At) >= policy.PasswordLink {
			return nil // it waited so long that its link would be over
		}
		u, err := tx.UserByLogin(ctx, a.Login)
		if countersign.KindOf(err) == countersign.KindNotFound {
			tx.Record(v.RefusedEvent("password.link_asked", countersign.User{}, "user.unknown"))
			return nil
		}
		if err == nil {
			u, err = tx.LockUser(ctx, u.ID)
		}
		if err != nil {
			return err
		}
		n, err := tx.CountMessagesAbout(ctx, u.ID, countersign.MessagePasswordLink, v.Now.Add(-time.Hour))
		if err != nil {
			return err
		}
		if code := policy.LinkRefused(u, n); code != "" {
			tx.Record(v.RefusedEvent("password.link_asked", u, code))
			return nil
		}
		return s.sendResetLink(ctx, tx, v, u)
	})
}

// sendResetLink makes the link and its letter; an earlier link dies. It goes to the
// address in the profile and to no other.
func (s *Service) sendResetLink(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User) error {
	handle := secret.NewHandle()
	until := v.Now.Add(policy.PasswordLink)
	link := countersign.Link{Digest: secret.Digest(handle), User: u.ID, Purpose: countersign.LinkPassword, Created: v.Now, Expires: until}
	if err := tx.AddLink(ctx, link); err != nil {
		return err
	}
	tx.Record(v.Event("password.link_asked", u))
	return notify.Address(ctx, tx, v, u, countersign.MessagePasswordLink, u.Email, map[string]string{
		"Until": notify.Until(until), "Link": v.Agency.URL + "/password/reset?key=" + string(handle)})
}

// ViewResetLink looks at a link of a forgotten password without using it: opening a
// page changes nothing.
func (s *Service) ViewResetLink(ctx context.Context, v countersign.Visit, handle countersign.Handle) (w ActivationLink, err error) {
	err = s.Authn.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		w, err = s.openLink(ctx, tx, v, handle, countersign.LinkPassword)
		return err
	})
	return w, err
}

// ResetPassword uses up a link and keeps the new password. It never signs in
// and leaves every method as it is: the next sign-in asks for a token, since
// every remembered device is forgotten (PW-06). asked tells whether it does.
func (s *Service) ResetPassword(ctx context.Context, v countersign.Visit, handle countersign.Handle, password string) (asked bool, err error) {
	w, err := s.ViewResetLink(ctx, v, handle)
	if err != nil {
		return false, err
	}
	hash, err := s.newHash(ctx, v, w.Preferences, w.User, password)
	if err != nil {
		return false, err
	}
	err = s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, err := tx.LockUser(ctx, w.User.ID)
		if err != nil {
			return orLinkGone(err)
		}
		again, err := s.openLink(ctx, tx, v, handle, countersign.LinkPassword)
		if err != nil {
			return err
		}
		used, err := tx.UseLink(ctx, again.Link.Digest, v.Now)
		if err != nil {
			return err
		}
		if !used {
			return errLinkGone()
		}
		tx.Record(v.Event("password.reset", u))
		if err := s.savePassword(ctx, tx, v, u, hash, ""); err != nil {
			return err
		}
		return notify.Send(ctx, tx, v, u, countersign.MessagePasswordChanged, map[string]string{"How": "link"})
	})
	s.Authn.Wake()
	return w.Preferences.TwoFactor, err
}

// savePassword keeps a new hash and does what follows: every remembered
// device is forgotten, sessions but one, attempts and links end, and passwords are counted
// anew.
func (s *Service) savePassword(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, hash string, but countersign.SessionID) error {
	if err := tx.EndAccess(ctx, u.ID, countersign.ForgottenPassword, "password", but, v.Now); err != nil {
		return err
	}
	if err := tx.ClearPasswordFailures(ctx, u.ID); err != nil {
		return err
	}
	return tx.SetPassword(ctx, u.ID, hash, v.Now)
}
