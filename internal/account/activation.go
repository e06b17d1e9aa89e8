package account

import (
	"context"
	"errors"
	"slices"
	"strings"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// An ActivationLink is what the link of an activation or of the first administrator opens.
type ActivationLink struct {
	Link        countersign.Link
	User        countersign.User // who chooses a password; zero for the first administrator
	Preferences countersign.Preferences
}

// An Activation is what the page of a link asks for. A user who is activated types
// the password only.
type Activation struct {
	Login    string
	Name     string
	Email    string
	Password string
	Agency   AgencyNames // the first administrator's only
}

// AgencyNames are what the first administrator says of the agency; nil leaves a
// field as it is.
type AgencyNames struct {
	Name    *string
	Product *string // empty: the agency's name
	Zone    *string // empty: UTC
}

// ViewActivation looks at a link without using it: opening a page changes nothing.
func (s *Service) ViewActivation(ctx context.Context, v countersign.Visit, handle countersign.Handle) (w ActivationLink, err error) {
	err = s.Authn.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		w, err = s.openLink(ctx, tx, v, handle, countersign.LinkActivate, countersign.LinkFirstAdministrator)
		return err
	})
	return w, err
}

// errLinkGone is the answer for a link that does not work, for whatever reason.
func errLinkGone() error { return countersign.Problem(countersign.KindGone, "link.over", "", nil) }

// orLinkGone turns a missing row into a link that is over.
func orLinkGone(err error) error {
	if countersign.KindOf(err) == countersign.KindNotFound {
		return errLinkGone()
	}
	return err
}

// openLink is what a link opens if it is one of these purposes: the link of one
// purpose is useless for another.
func (s *Service) openLink(ctx context.Context, tx *store.Tx, v countersign.Visit, handle countersign.Handle, purposes ...countersign.LinkPurpose) (w ActivationLink, err error) {
	if w.Link, err = tx.Link(ctx, secret.Digest(handle)); err != nil {
		return w, orLinkGone(err)
	}
	if !slices.Contains(purposes, w.Link.Purpose) || !w.Link.Used.IsZero() || !v.Now.Before(w.Link.Expires) {
		return w, errLinkGone()
	}
	if w.Preferences, err = tx.Preferences(ctx); err != nil {
		return w, err
	}
	if w.Link.Purpose == countersign.LinkFirstAdministrator {
		return w, refuseSecondFirstAdmin(ctx, tx)
	}
	w.User, err = tx.User(ctx, w.Link.User)
	if err == nil && w.User.Disabled {
		return w, errLinkGone()
	}
	return w, orLinkGone(err)
}

// refuseSecondFirstAdmin refuses the link of the first administrator once there is one,
// however he came to be.
func refuseSecondFirstAdmin(ctx context.Context, tx *store.Tx) error {
	holders, err := tx.UsersWith(ctx, countersign.RightUsers)
	if err == nil && len(holders) > 0 {
		return errLinkGone()
	}
	return err
}

// Activate uses up a link: the newcomer's password is kept, or the first
// administrator is made. The link never signs in (PW-06).
func (s *Service) Activate(ctx context.Context, v countersign.Visit, handle countersign.Handle, n Activation) error {
	w, err := s.ViewActivation(ctx, v, handle)
	if err != nil {
		return err
	}
	u := w.User
	var wrong error
	if w.Link.Purpose == countersign.LinkFirstAdministrator {
		u, wrong = firstAdministrator(v, n)
		_, wrongAgency := n.Agency.apply(v.Agency)
		wrong = errors.Join(wrong, wrongAgency)
	}
	if err := errors.Join(wrong, s.checkNew(v, w.Preferences, u, n.Password)); err != nil {
		return err
	}
	hash, err := s.Authn.Passwords.Hash(ctx, n.Password)
	if err != nil {
		return err
	}
	return s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		if err := lockActivated(ctx, tx, w); err != nil {
			return err
		}
		again, err := s.openLink(ctx, tx, v, handle, w.Link.Purpose)
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
		if w.Link.Purpose == countersign.LinkFirstAdministrator {
			u.Password, u.PasswordAt = hash, v.Now
			e := v.Event("user.added", u)
			e.Reason = "first administrator"
			tx.Record(e)
			if err := nameAgency(ctx, tx, v, u, n.Agency); err != nil {
				return err
			}
			return tx.AddUser(ctx, u)
		}
		tx.Record(v.Event("password.chosen", u))
		return s.savePassword(ctx, tx, v, u, hash, "")
	})
}

// lockActivated lets nothing else decide about the user who chooses a password, or
// about who is the first administrator.
func lockActivated(ctx context.Context, tx *store.Tx, w ActivationLink) error {
	if w.Link.Purpose == countersign.LinkFirstAdministrator {
		return tx.LockAdministration(ctx)
	}
	_, err := tx.LockUser(ctx, w.User.ID)
	return orLinkGone(err)
}

// checkNew refuses a password that is too short, common, stolen or a form of a
// name in sight (PW-03, PW-04).
func (s *Service) checkNew(v countersign.Visit, p countersign.Preferences, u countersign.User, password string) error {
	if password == "" {
		return countersign.Problem(countersign.KindInvalid, "password.choose", "new_password", nil)
	}
	return s.Authn.Passwords.CheckNew(password, p.PasswordLength, u.Login, u.Email, v.Agency.Name, v.Agency.ProductName())
}

func firstAdministrator(v countersign.Visit, n Activation) (countersign.User, error) {
	u := countersign.User{
		ID:      countersign.UserID(secret.NewID()),
		Login:   countersign.CleanID(n.Login),
		Name:    countersign.CleanText(n.Name),
		Rights:  countersign.AgencyRights,
		Created: v.Now,
	}
	var err error
	u.Email, err = factor.ParseEmail(n.Email)
	return u, errors.Join(countersign.CheckLogin(u.Login), policy.CheckName(u.Name), err)
}

// apply is the agency with what was typed, or says beside each field what can't be.
func (n AgencyNames) apply(a countersign.Agency) (countersign.Agency, error) {
	take := func(to *string, from *string) {
		if from != nil {
			*to = strings.TrimSpace(*from)
		}
	}
	take(&a.Name, n.Name)
	take(&a.Product, n.Product)
	if n.Zone != nil {
		a.Zone = countersign.ChosenZone(*n.Zone)
	}
	var wrong []error
	if policy.CheckName(a.Name) != nil {
		wrong = append(wrong, countersign.Problem(countersign.KindInvalid, "agency.name", "agency_name", nil))
	}
	if a.Product == a.Name {
		a.Product = ""
	}
	if a.Product != "" && policy.CheckName(a.Product) != nil {
		wrong = append(wrong, countersign.Problem(countersign.KindInvalid, "name.form", "product", nil))
	}
	if countersign.CheckZone(a.Zone) != nil {
		wrong = append(wrong, countersign.Problem(countersign.KindInvalid, "agency.zone", "time_zone", countersign.Args{"Zone": a.Zone}))
	}
	return a, errors.Join(wrong...)
}

// nameAgency keeps what the first administrator says of the agency.
func nameAgency(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, n AgencyNames) error {
	if n == (AgencyNames{}) {
		return nil
	}
	was, err := tx.CurrentAgency(ctx)
	if err != nil {
		return err
	}
	is, err := n.apply(was)
	if err != nil {
		return err
	}
	e := v.Event("agency.changed", u)
	e.Detail = map[string]string{"name": was.Name + " → " + is.Name, "product": was.ProductName() + " → " + is.ProductName(), "time zone": was.ZoneName() + " → " + is.ZoneName()}
	tx.Record(e)
	return tx.SaveAgency(ctx, is)
}
