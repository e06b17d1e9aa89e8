package admin

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

// A Query selects a page of users.
type Query = store.UserQuery

// A UserList is one page of User Administration.
type UserList struct {
	store.UserPage
	All int // users of the agency
}

// mayRead are the rights that open User Administration for reading.
var mayRead = []countersign.Right{countersign.RightUsers, countersign.RightReset}

// Users is a page of users.
func (s *Service) Users(ctx context.Context, v countersign.Visit, actor countersign.Actor, q Query) (l UserList, err error) {
	q.Now = v.Now
	if q.Limit <= 0 || q.Limit > 1000 {
		q.Limit = 10
	}
	err = s.read(ctx, v, actor, func(tx *store.Tx, _ countersign.Actor) error {
		if l.UserPage, err = tx.Users(ctx, q); err != nil {
			return err
		}
		all, err := tx.Users(ctx, Query{Now: v.Now, Limit: 1})
		l.All = all.Total
		return err
	}, mayRead...)
	return l, err
}

// A UserView is a user's page.
type UserView struct {
	User        countersign.User
	State       string
	Preferences countersign.Preferences
	Factors     []countersign.Factor
	Devices     []countersign.Device // remembered
	Sessions    []countersign.Session
	Events      []countersign.Event
	Messages    []countersign.Message
	Codes       countersign.RecoveryCodes
	Code        countersign.EnrollmentCode // made last; zero: none
	MayReset    bool                       // the two buttons are shown
	MayEdit     bool                       // Edit is shown: saving would not be refused
	Refused     error                      // why a reset would be refused all the same; nil if it would not
	Self        bool                       // it is the actor's own page
}

// shown is how many events and messages a user's page lists.
const shown = 10

// User is a user's page, by user ID in any case.
func (s *Service) User(ctx context.Context, v countersign.Visit, actor countersign.Actor, login string) (p UserView, err error) {
	err = s.read(ctx, v, actor, func(tx *store.Tx, actor countersign.Actor) error {
		p, err = s.userView(ctx, tx, v, actor, login)
		return err
	}, mayRead...)
	return p, err
}

// UserToEdit is User for who is about to edit the user: refused, with an audit
// row, where saving would be.
func (s *Service) UserToEdit(ctx context.Context, v countersign.Visit, actor countersign.Actor, login string) (p UserView, err error) {
	err = s.read(ctx, v, actor, func(tx *store.Tx, actor countersign.Actor) error {
		if p, err = s.userView(ctx, tx, v, actor, login); err != nil {
			return err
		}
		return policy.MayActOn(actor, countersign.RightUsers, p.User)
	}, mayRead...)
	return p, err
}

// UserToReset is User for who is about to press one of the two buttons: refused,
// with an audit row, where pressing would be.
func (s *Service) UserToReset(ctx context.Context, v countersign.Visit, actor countersign.Actor, login string) (p UserView, err error) {
	err = s.read(ctx, v, actor, func(tx *store.Tx, actor countersign.Actor) error {
		if p, err = s.userView(ctx, tx, v, actor, login); err != nil {
			return err
		}
		if p.Refused == nil && p.Self {
			return countersign.Problem(countersign.KindDenied, "reset.self", "", nil)
		}
		return p.Refused
	}, countersign.RightReset)
	return p, err
}

func (s *Service) userView(ctx context.Context, tx *store.Tx, v countersign.Visit, actor countersign.Actor, login string) (p UserView, err error) {
	if p.User, err = tx.UserByLogin(ctx, login); err != nil {
		return p, err
	}
	id := p.User.ID
	if p.Preferences, err = tx.Preferences(ctx); err != nil {
		return p, err
	}
	if p.Factors, err = tx.Factors(ctx, id); err != nil {
		return p, err
	}
	devices, err := tx.Devices(ctx, id)
	if err != nil {
		return p, err
	}
	p.Devices = slices.DeleteFunc(devices, func(d countersign.Device) bool { return d.Proved.IsZero() })
	if p.Sessions, err = tx.Sessions(ctx, id, v.Now, v.Now.Add(-p.Preferences.Idle)); err != nil {
		return p, err
	}
	if p.Events, err = tx.Events(ctx, p.User.Login, shown); err != nil {
		return p, err
	}
	if p.Messages, err = tx.Messages(ctx, id, shown); err != nil {
		return p, err
	}
	if p.Codes, err = tx.RecoveryCodes(ctx, id); err != nil {
		return p, err
	}
	if p.Code, err = tx.EnrollmentCode(ctx, id); err != nil {
		return p, err
	}
	p.State = state(p.User, v)
	p.Self = !actor.Operator && actor.User.ID == id
	p.MayReset = actor.Has(countersign.RightReset)
	p.MayEdit = policy.MayActOn(actor, countersign.RightUsers, p.User) == nil
	p.Refused = policy.MayActOn(actor, countersign.RightReset, p.User)
	return p, nil
}

// state is the state of one user, as the list tells it.
func state(u countersign.User, v countersign.Visit) string {
	switch {
	case u.Disabled:
		return store.StateDisabled
	case u.Enrolled:
		return store.StateDone
	case u.ResetUntil.After(v.Now):
		return store.StateReset
	case !u.ResetUntil.IsZero():
		return store.StateLapsed
	case u.Email == "":
		return store.StateCannot
	default:
		return store.StateNot
	}
}

// A NewUser is what the page and the command for a new user ask for.
type NewUser struct {
	Login    string
	Name     string
	Email    string
	Mobile   string
	Groups   []string
	Rights   []countersign.Right
	Password string // by the host's operator only; empty: the user chooses it by a mailed link
}

// AddUser adds a user. Without a password an activation link goes to the
// user's address: nobody sets another's password (PW-07).
func (s *Service) AddUser(ctx context.Context, v countersign.Visit, actor countersign.Actor, n NewUser) (u countersign.User, err error) {
	hash, err := s.operatorPassword(ctx, v, actor, n)
	if err != nil {
		return u, err
	}
	first, err := s.firstAgency(ctx)
	if err != nil {
		return u, err
	}
	err = s.change(ctx, v, actor, countersign.RightUsers, func(tx *store.Tx, actor countersign.Actor) error {
		u = countersign.User{
			ID: countersign.UserID(secret.NewID()), Login: countersign.CleanID(n.Login), Name: countersign.CleanText(n.Name),
			Email: strings.TrimSpace(n.Email), Mobile: n.Mobile, Rights: n.Rights, Groups: tidy(n.Groups), Created: v.Now, Version: 1}
		p, err := tx.Preferences(ctx)
		if err != nil {
			return err
		}
		noEmail := error(nil)
		if u.Email == "" && hash == "" {
			noEmail = countersign.Problem(countersign.KindInvalid, "email.activation", "email", nil)
		}
		err = errors.Join(countersign.CheckLogin(u.Login), s.checkProfile(ctx, tx, countersign.User{}, &u, p),
			s.mayChange(ctx, tx, actor, countersign.User{}, u), mayOperate(first, tx, countersign.User{}, u), noEmail)
		if err != nil {
			return err
		}
		if hash != "" {
			u.Password, u.PasswordAt = hash, v.Now
		}
		if err := tx.AddUser(ctx, u); err != nil {
			return err
		}
		e := newEvent(v, actor, "user.added", u.Login)
		e.Detail = map[string]string{"rights": joinRights(u.Rights), "groups": strings.Join(u.Groups, ", ")}
		tx.Record(e)
		if hash != "" {
			return nil
		}
		return s.activation(ctx, tx, v, actor, u)
	})
	return u, err
}

// operatorPassword hashes the password that the host's operator gave; from
// anybody else it is refused.
func (s *Service) operatorPassword(ctx context.Context, v countersign.Visit, actor countersign.Actor, n NewUser) (string, error) {
	if n.Password == "" {
		return "", nil
	}
	if !actor.Operator {
		return "", countersign.Problem(countersign.KindDenied, "password.not_yours", "", nil)
	}
	var p countersign.Preferences
	err := s.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) (err error) {
		p, err = tx.Preferences(ctx)
		return err
	})
	if err != nil {
		return "", err
	}
	if err := s.Passwords.CheckNew(n.Password, p.PasswordLength, n.Login, n.Email, v.Agency.Name, v.Agency.ProductName()); err != nil {
		return "", err
	}
	return s.Passwords.Hash(ctx, n.Password)
}

// checkProfile brings the profile of u into the form in which it is kept, and
// says beside each field what can't be. What stands as it stood in old is left alone.
func (s *Service) checkProfile(ctx context.Context, tx *store.Tx, old countersign.User, u *countersign.User, p countersign.Preferences) error {
	return profileProblems(old, u, p, func(u countersign.User) error { return s.emailTaken(ctx, tx, u) })
}

// profileProblems is checkProfile; taken says whose address it is already.
func profileProblems(old countersign.User, u *countersign.User, p countersign.Preferences, taken func(countersign.User) error) error {
	problems := []error{policy.CheckName(u.Name)}
	if u.Email != old.Email && u.Email != "" {
		email, err := factor.ParseEmail(u.Email)
		if err == nil {
			u.Email = email
			err = taken(*u)
		}
		problems = append(problems, err)
	}
	if u.Mobile != old.Mobile && u.Mobile != "" {
		mobile, err := factor.ParsePhone(u.Mobile, "", p.Countries)
		if err == nil {
			u.Mobile = mobile
		}
		problems = append(problems, err)
	}
	for _, g := range u.Groups {
		if policy.CheckName(g) != nil {
			problems = append(problems, countersign.Problem(countersign.KindInvalid, "group.form", "group", countersign.Args{"Group": g}))
		}
	}
	return errors.Join(problems...)
}

// emailTaken refuses an address of another user: two users with one mailbox
// could read each other's tokens.
func (s *Service) emailTaken(ctx context.Context, tx *store.Tx, u countersign.User) error {
	if err := tx.LockContact(ctx, u.Email); err != nil {
		return err
	}
	others, err := tx.UsersByEmail(ctx, u.Email)
	if err != nil {
		return err
	}
	for _, other := range others {
		if other.ID != u.ID {
			return countersign.Problem(countersign.KindInvalid, "email.taken", "email", countersign.Args{"Email": u.Email, "Login": other.Login})
		}
	}
	return nil
}

func tidy(list []string) []string {
	var kept []string
	for _, g := range list {
		if g = countersign.CleanText(g); g != "" {
			kept = append(kept, g)
		}
	}
	slices.Sort(kept)
	return slices.Compact(kept)
}

func joinRights(rights []countersign.Right) string {
	names := make([]string, len(rights))
	for i, r := range rights {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}
