package signin

import (
	"context"
	"errors"
	"strings"
	"time"

	"countersign"
	"countersign/internal/notice"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// AskLink takes the wish for a link to choose a new password. It looks at no
// user, so that nothing about the answer, its time included, can tell who
// exists (EN-01, EN-02); the letter is written by WriteLinks. Beyond the limit
// of a network nothing is kept, and the answer is the same.
func (d *Desk) AskLink(ctx context.Context, v countersign.Visit, login string) (until time.Time, err error) {
	if len(login) > countersign.LongestTyped {
		login = strings.ToValidUTF8(login[:countersign.LongestTyped], "") // no database looks for half a letter
	}
	err = d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		if left, err := spendAsk(ctx, tx, v); err != nil || !left {
			return err
		}
		return tx.AddAsk(ctx, countersign.LinkAsk{ID: secret.NewID(), Login: login, Client: v.Client, Request: v.Request, At: v.Now})
	})
	d.Wake()
	return v.Now.Add(policy.PasswordLink), err
}

// spendAsk pays for one wish of the network, and of the wider one that it lies in:
// who holds many networks fills no log with wishes (TH-04).
func spendAsk(ctx context.Context, tx *store.Tx, v countersign.Visit) (bool, error) {
	left, err := tx.SpendAsk(ctx, v.Client.Network(), v.Now, time.Hour, policy.MaxAsks)
	if wide := v.Client.Wide(); err == nil && left && wide != "" {
		left, err = tx.SpendAsk(ctx, wide, v.Now, time.Hour, policy.MaxAsksWide)
	}
	return left, err
}

// fewAsks is how many wishes are looked at in one round.
const fewAsks = 32

// WriteLinks writes the letters of those who asked for a link: a loop that runs
// beside the requests. agency is an agency as its letters need it, with its URL.
func (d *Desk) WriteLinks(ctx context.Context, now time.Time, agency func(context.Context, countersign.AgencyID) (countersign.Agency, error)) error {
	asks, err := d.Store.Asks(ctx, fewAsks)
	if err != nil {
		return err
	}
	var problems []error
	for _, a := range asks {
		home, err := agency(ctx, a.Agency)
		if err == nil {
			err = d.writeLink(ctx, now, home, a)
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// writeLink answers one wish: with a letter, or with nothing but an audit row.
func (d *Desk) writeLink(ctx context.Context, now time.Time, agency countersign.Agency, a countersign.LinkAsk) error {
	v := countersign.Visit{Agency: agency, Client: a.Client, Now: a.At, Request: a.Request}
	return d.Store.In(ctx, agency.ID, func(tx *store.Tx) error {
		mine, err := tx.TakeAsk(ctx, a.ID)
		if err != nil || !mine {
			return err
		}
		if now.Sub(a.At) >= policy.PasswordLink {
			return nil // it waited so long that its link would be over
		}
		u, err := tx.UserByLogin(ctx, a.Login)
		if countersign.KindOf(err) == countersign.NotFound {
			tx.Record(refused(v, "password.link_asked", countersign.User{}, "user.unknown"))
			return nil
		}
		if err == nil {
			u, err = tx.LockUser(ctx, u.ID)
		}
		if err != nil {
			return err
		}
		n, err := tx.CountLetters(ctx, u.ID, countersign.KindPasswordLink, v.Now.Add(-time.Hour))
		if err != nil {
			return err
		}
		if code := policy.LinkRefused(u, n); code != "" {
			tx.Record(refused(v, "password.link_asked", u, code))
			return nil
		}
		return d.sendLink(ctx, tx, v, u)
	})
}

// sendLink makes the link and its letter; an earlier link dies. It goes to the
// address in the profile and to no other.
func (d *Desk) sendLink(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User) error {
	handle := secret.NewHandle()
	until := v.Now.Add(policy.PasswordLink)
	link := countersign.Link{Digest: secret.Digest(handle), User: u.ID, Purpose: countersign.LinkPassword, Created: v.Now, Expires: until}
	if err := tx.AddLink(ctx, link); err != nil {
		return err
	}
	tx.Record(record(v, "password.link_asked", u))
	return notice.Address(ctx, tx, v, u, countersign.KindPasswordLink, u.Email, map[string]string{
		"Until": notice.Until(until), "Link": v.Agency.URL + "/password/reset?key=" + string(handle)})
}

// LookLink looks at a link of a forgotten password without using it: opening a
// page changes nothing.
func (d *Desk) LookLink(ctx context.Context, v countersign.Visit, handle countersign.Handle) (w Welcome, err error) {
	err = d.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		w, err = d.opened(ctx, tx, v, handle, countersign.LinkPassword)
		return err
	})
	return w, err
}

// ResetPassword uses up a link and keeps the new password. It never signs in
// and leaves every method as it is: the next sign-in asks for a token, since
// every remembered device is forgotten (PW-06). asked tells whether it does.
func (d *Desk) ResetPassword(ctx context.Context, v countersign.Visit, handle countersign.Handle, password string) (asked bool, err error) {
	w, err := d.LookLink(ctx, v, handle)
	if err != nil {
		return false, err
	}
	hash, err := d.newHash(ctx, v, w.Preferences, w.User, password)
	if err != nil {
		return false, err
	}
	err = d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, err := tx.LockUser(ctx, w.User.ID)
		if err != nil {
			return linkGone(err)
		}
		again, err := d.opened(ctx, tx, v, handle, countersign.LinkPassword)
		if err != nil {
			return err
		}
		used, err := tx.UseLink(ctx, again.Link.Digest, v.Now)
		if err != nil {
			return err
		}
		if !used {
			return linkOver()
		}
		tx.Record(record(v, "password.reset", u))
		if err := d.keepPassword(ctx, tx, v, u, hash, ""); err != nil {
			return err
		}
		return notice.Tell(ctx, tx, v, u, countersign.KindPassword, map[string]string{"How": "link"})
	})
	d.Wake()
	return w.Preferences.TwoFactor, err
}

// keepPassword keeps a new hash and does what follows (D-41): every remembered
// device is forgotten, sessions but one, attempts and links end, and passwords are counted
// anew.
func (d *Desk) keepPassword(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, hash string, but countersign.SessionID) error {
	if err := tx.ShutOut(ctx, u.ID, countersign.ForgottenPassword, "password", but, v.Now); err != nil {
		return err
	}
	if err := tx.ClearPasswordFailures(ctx, u.ID); err != nil {
		return err
	}
	return tx.SetPassword(ctx, u.ID, hash, v.Now)
}
