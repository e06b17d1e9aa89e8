package admin

import (
	"context"
	"errors"
	"strings"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// An Import is a file of users, and what to do with it.
type Import struct {
	Text          []byte // CSV
	Encoding      string // one of textfile.CodePages; empty: UTF-8, UTF-16 or else windows-1252
	IgnoreUnknown bool   // columns that are not known are ignored instead of refused
	DryRun        bool   // say what would happen, and change nothing
	Invite        bool   // who has no password hash gets a link to choose a password
}

// An Imported says what became of an import, or would.
type Imported struct {
	Added    int
	Invited  int
	Ignored  []string  // columns that are not known
	Encoding string    // the code page that the file was read in; empty: UTF-8 or UTF-16
	Problems []Problem // with one of them nothing was changed
}

// A Problem is what is wrong with one line.
type Problem struct {
	Line   int
	Column string // empty: the line as a whole
	Err    error
}

// ImportUsers adds the users of a file, all or none: it is validated as a whole,
// by the same rules as a single user, and every problem is told with its line
// (DS-01). It is for the host's operator, since it may bring password hashes.
func (s *Service) ImportUsers(ctx context.Context, v countersign.Visit, actor countersign.Actor, i Import) (done Imported, err error) {
	if !actor.Operator {
		return done, countersign.Problem(countersign.KindDenied, "password.not_yours", "", nil)
	}
	first, err := s.firstAgency(ctx)
	if err != nil {
		return done, err
	}
	f := readUsers(i)
	err = s.change(ctx, v, actor, countersign.RightUsers, func(tx *store.Tx, actor countersign.Actor) error {
		done = Imported{Problems: f.problems, Ignored: f.ignored, Encoding: f.encoding}
		if len(f.lines) == 0 {
			return nil
		}
		found, err := s.examine(ctx, tx, v, actor, f.lines, i.Invite)
		if err != nil {
			return err
		}
		for _, l := range f.lines {
			found = append(found, problemsOf(l.line, mayOperate(first, tx, countersign.User{}, l.user))...)
		}
		done.Problems = sorted(append(f.problems, firstOfEach(found, f.problems)...))
		if len(done.Problems) > 0 {
			return nil
		}
		for _, l := range f.lines {
			invited := i.Invite && l.user.Password == ""
			if done.Added++; invited {
				done.Invited++
			}
			if i.DryRun {
				continue
			}
			if err := s.importOne(ctx, tx, v, actor, l.user, invited); err != nil {
				return err
			}
		}
		return nil
	})
	return done, err
}

// examine says what is wrong with the lines, and brings each user into the form
// in which it is kept.
func (s *Service) examine(ctx context.Context, tx *store.Tx, v countersign.Visit, actor countersign.Actor, lines []*userLine, invite bool) ([]Problem, error) {
	p, err := tx.Preferences(ctx)
	if err != nil {
		return nil, err
	}
	if err := tx.LockContacts(ctx); err != nil {
		return nil, err
	}
	taken, err := tx.Uniqueness(ctx)
	if err != nil {
		return nil, err
	}
	var problems []Problem
	first := map[string]int{} // where a user ID or an address stood first
	for _, l := range lines {
		u := &l.user
		u.ID, u.Created, u.Version = countersign.UserID(secret.NewID()), v.Now, 1
		if u.Password != "" {
			u.PasswordAt = v.Now
		}
		wrong := errors.Join(countersign.CheckLogin(u.Login), once(first, "user_id", countersign.FoldLogin(u.Login), l.line),
			profileProblems(countersign.User{}, u, p, func(u countersign.User) error { return taken.Check(u) }),
			once(first, "email", countersign.FoldEmail(u.Email), l.line), taken.CheckLogin(u.Login),
			s.mayChange(ctx, tx, actor, countersign.User{}, *u), hashProblem(u), inviteProblem(*u, invite))
		problems = append(problems, problemsOf(l.line, wrong)...)
	}
	return problems, nil
}

// once says where the same value of a column stood before.
func once(first map[string]int, column, value string, line int) error {
	if value == "" {
		return nil
	}
	key := column + "\n" + value
	if before := first[key]; before > 0 {
		return countersign.Problem(countersign.KindInvalid, "import.twice", column, countersign.Args{"Line": before})
	}
	first[key] = line
	return nil
}

// hashProblem says why a password hash can't be kept, and brings it into the
// form in which it is.
func hashProblem(u *countersign.User) error {
	if u.Password == "" {
		return nil
	}
	kept, err := secret.ImportHash(u.Password)
	if err == nil {
		u.Password = kept
	}
	return err
}

func inviteProblem(u countersign.User, invite bool) error {
	if invite && u.Password == "" && u.Email == "" {
		return countersign.Problem(countersign.KindInvalid, "email.activation", "email", nil)
	}
	return nil
}

// importOne adds one user of the file.
func (s *Service) importOne(ctx context.Context, tx *store.Tx, v countersign.Visit, actor countersign.Actor, u countersign.User, invited bool) error {
	if err := tx.AddUser(ctx, u); err != nil {
		return err
	}
	e := newEvent(v, actor, "user.added", u.Login)
	e.Detail = map[string]string{"rights": joinRights(u.Rights), "groups": strings.Join(u.Groups, ", "), "by": "import"}
	tx.Record(e)
	if !invited {
		return nil
	}
	return s.activation(ctx, tx, v, actor, u)
}

// RemoveUser erases a user: profile, password, methods, devices, sessions,
// links and messages. The audit rows stay. Nobody removes a user who may do
// more, and the last administrator stays (RS-07).
func (s *Service) RemoveUser(ctx context.Context, v countersign.Visit, actor countersign.Actor, login, reason string) (u countersign.User, err error) {
	err = s.change(ctx, v, actor, countersign.RightUsers, func(tx *store.Tx, actor countersign.Actor) error {
		if u, err = s.lockTarget(ctx, tx, actor, countersign.RightUsers, login); err != nil {
			return err
		}
		if err := policy.CheckReason(reason, "remove.reason_missing"); err != nil {
			return err
		}
		if err := s.lastAdministrator(ctx, tx, u, policy.Grants(u)); err != nil {
			return err
		}
		e := newEvent(v, actor, "user.removed", u.Login)
		e.Reason = countersign.CleanText(reason)
		tx.Record(e)
		return tx.RemoveUser(ctx, u.ID)
	})
	return u, err
}
