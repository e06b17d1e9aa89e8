package signin

import (
	"context"
	"errors"
	"strings"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// A Welcome is what the link of an activation or of the first administrator opens.
type Welcome struct {
	Link        countersign.Link
	User        countersign.User // who chooses a password; zero for the first administrator
	Preferences countersign.Preferences
}

// A Newcomer is what the page of a link asks for. A user who is activated types
// the password only.
type Newcomer struct {
	Login    string
	Name     string
	Email    string
	Password string
}

// Welcome looks at a link without using it: opening a page changes nothing.
func (d *Desk) Welcome(ctx context.Context, v countersign.Visit, handle countersign.Handle) (w Welcome, err error) {
	err = d.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		w, err = d.welcome(ctx, tx, v, handle)
		return err
	})
	return w, err
}

func (d *Desk) welcome(ctx context.Context, tx *store.Tx, v countersign.Visit, handle countersign.Handle) (w Welcome, err error) {
	linkOver := fail(countersign.Expired, "link.over", "", nil)
	if w.Link, err = tx.Link(ctx, secret.Digest(handle)); err != nil {
		if countersign.KindOf(err) == countersign.NotFound {
			return w, linkOver
		}
		return w, err
	}
	mine := w.Link.Purpose == countersign.LinkActivate || w.Link.Purpose == countersign.LinkFirstAdministrator
	if !mine || !w.Link.Used.IsZero() || !v.Now.Before(w.Link.Expires) {
		return w, linkOver
	}
	if w.Preferences, err = tx.Preferences(ctx); err != nil {
		return w, err
	}
	if w.Link.Purpose == countersign.LinkFirstAdministrator {
		return w, nobodyYet(ctx, tx)
	}
	w.User, err = tx.User(ctx, w.Link.User)
	if countersign.KindOf(err) == countersign.NotFound || w.User.Disabled {
		return w, linkOver
	}
	return w, err
}

// nobodyYet refuses the link of the first administrator once there is one,
// however he came to be.
func nobodyYet(ctx context.Context, tx *store.Tx) error {
	holders, err := tx.UsersWith(ctx, countersign.RightUsers)
	if err == nil && len(holders) > 0 {
		return fail(countersign.Expired, "link.over", "", nil)
	}
	return err
}

// Accept uses up a link: the newcomer's password is kept, or the first
// administrator is made. The link never signs in (PW-06).
func (d *Desk) Accept(ctx context.Context, v countersign.Visit, handle countersign.Handle, n Newcomer) error {
	w, err := d.Welcome(ctx, v, handle)
	if err != nil {
		return err
	}
	u := w.User
	var wrong error
	if w.Link.Purpose == countersign.LinkFirstAdministrator {
		u, wrong = firstAdministrator(v, n)
	}
	if err := errors.Join(wrong, d.checkNew(v, w.Preferences, u, n.Password)); err != nil {
		return err
	}
	hash, err := d.Passwords.Hash(ctx, n.Password)
	if err != nil {
		return err
	}
	return d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		again, err := d.welcome(ctx, tx, v, handle)
		if err != nil {
			return err
		}
		used, err := tx.UseLink(ctx, again.Link.Digest, v.Now)
		if err != nil {
			return err
		}
		if !used {
			return fail(countersign.Expired, "link.over", "", nil)
		}
		if w.Link.Purpose == countersign.LinkFirstAdministrator {
			u.Password, u.PasswordAt = hash, v.Now
			e := record(v, "user.added", u)
			e.Reason = "first administrator"
			tx.Record(e)
			return tx.AddUser(ctx, u)
		}
		tx.Record(record(v, "password.chosen", u))
		if err := tx.ShutOut(ctx, u.ID, countersign.ForgottenPassword, "password", "", v.Now); err != nil {
			return err
		}
		return tx.SetPassword(ctx, u.ID, hash, v.Now)
	})
}

// checkNew refuses a password that is too short or a form of a name in sight (PW-03, PW-04).
func (d *Desk) checkNew(v countersign.Visit, p countersign.Preferences, u countersign.User, password string) error {
	if password == "" {
		return fail(countersign.Invalid, "password.choose", "new_password", nil)
	}
	return secret.CheckNew(password, p.PasswordLength, u.Login, u.Email, v.Agency.Name, v.Agency.ProductName())
}

func firstAdministrator(v countersign.Visit, n Newcomer) (countersign.User, error) {
	u := countersign.User{
		ID:      countersign.UserID(secret.NewID()),
		Login:   strings.TrimSpace(n.Login),
		Name:    strings.TrimSpace(n.Name),
		Rights:  countersign.AgencyRights,
		Created: v.Now,
	}
	var err error
	u.Email, err = factor.ParseEmail(n.Email)
	return u, errors.Join(countersign.CheckLogin(u.Login), policy.CheckName(u.Name), err)
}
