package admin

import (
	"context"
	"errors"
	"slices"
	"strings"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// A Change is what is to become of a user; nil leaves a field as it is.
type Change struct {
	Version      int64 // of the user that was read; AnyVersion: whatever it is
	Name         *string
	Email        *string
	Mobile       *string
	Groups       *[]string
	Rights       *[]countersign.Right
	AddRights    []countersign.Right
	RemoveRights []countersign.Right
	AddGroups    []string
	RemoveGroups []string
	Disabled     *bool
	Reason       string
}

// EditUser changes a user's profile, rights, groups and state. Nobody acts on
// a user who holds a right that he lacks himself, and the last administrator
// stays one (RS-07).
func (s *Service) EditUser(ctx context.Context, v countersign.Visit, actor countersign.Actor, login string, c Change) (u countersign.User, err error) {
	first, err := s.firstAgency(ctx)
	if err != nil {
		return u, err
	}
	err = s.change(ctx, v, actor, countersign.RightUsers, func(tx *store.Tx, actor countersign.Actor) error {
		old, err := tx.UserByLogin(ctx, login)
		if err != nil {
			return err
		}
		if old, err = tx.LockUser(ctx, old.ID); err != nil {
			return err
		}
		if err := policy.MayActOn(actor, countersign.RightUsers, old); err != nil {
			return err
		}
		if c.Version != AnyVersion && c.Version != old.Version {
			return countersign.Problem(countersign.KindConflict, "edit.conflict", "", nil)
		}
		u = c.apply(old)
		p, err := tx.Preferences(ctx)
		if err != nil {
			return err
		}
		if err := s.checkProfile(ctx, tx, old, &u, p); err != nil {
			return err
		}
		if err := errors.Join(s.mayChange(ctx, tx, actor, old, u), mayOperate(first, tx, old, u)); err != nil {
			return err
		}
		if err := tx.SaveUser(ctx, u); err != nil {
			return err
		}
		u.Version++
		return s.afterEdit(ctx, tx, v, actor, old, u, c.Reason)
	})
	return u, err
}

// apply is the user after the change.
func (c Change) apply(u countersign.User) countersign.User {
	take := func(to *string, from *string) {
		if from != nil {
			*to = countersign.CleanText(*from)
		}
	}
	take(&u.Name, c.Name)
	take(&u.Email, c.Email)
	take(&u.Mobile, c.Mobile)
	if c.Groups != nil {
		u.Groups = *c.Groups
	}
	if c.Rights != nil {
		u.Rights = *c.Rights
	}
	u.Groups = tidy(without(append(slices.Clone(u.Groups), c.AddGroups...), c.RemoveGroups))
	u.Rights = without(append(slices.Clone(u.Rights), c.AddRights...), c.RemoveRights)
	slices.Sort(u.Rights)
	u.Rights = slices.Compact(u.Rights)
	if c.Disabled != nil {
		u.Disabled = *c.Disabled
	}
	return u
}

func without[T comparable](all, some []T) []T {
	return slices.DeleteFunc(all, func(one T) bool { return slices.Contains(some, one) })
}

// mayChange refuses rights that are not the actor's to give, and the end of the
// last administrator.
func (s *Service) mayChange(ctx context.Context, tx *store.Tx, actor countersign.Actor, old, u countersign.User) error {
	if err := policy.MayGrant(actor, old.Rights, u.Rights); err != nil {
		return err
	}
	if err := s.lastAdministrator(ctx, tx, old, policy.Revokes(old, u)); err != nil {
		return err
	}
	if u.Disabled && !old.Disabled && !actor.Operator && actor.User.ID == u.ID {
		return countersign.Problem(countersign.KindDenied, "user.own_disable", "", nil)
	}
	return nil
}

// firstAgency is the agency whose users may hold the right Operator. It reads
// by a connection of its own: call it before a transaction begins.
func (s *Service) firstAgency(ctx context.Context) (countersign.Agency, error) {
	all, err := s.Store.Agencies(ctx)
	if err != nil {
		return countersign.Agency{}, err
	}
	return all[0], nil
}

// mayOperate refuses the right Operator outside of the first agency.
func mayOperate(first countersign.Agency, tx *store.Tx, old, u countersign.User) error {
	gets := slices.Contains(u.Rights, countersign.RightOperator) && !slices.Contains(old.Rights, countersign.RightOperator)
	if gets && first.ID != tx.Agency() {
		return countersign.Problem(countersign.KindDenied, "right.operator", "right", countersign.Args{"Agency": first.Code})
	}
	return nil
}

// lastAdministrator refuses what would leave nobody who can give back the rights
// that are lost.
func (s *Service) lastAdministrator(ctx context.Context, tx *store.Tx, u countersign.User, lost []countersign.Right) error {
	if len(lost) == 0 {
		return nil
	}
	if err := tx.LockAdministration(ctx); err != nil {
		return err
	}
	holders, err := tx.UsersWith(ctx, countersign.RightUsers)
	if err != nil {
		return err
	}
	return policy.RefuseLast(u, lost, holders)
}

// afterEdit does what follows from a change: notices to every address, also
// the one that is replaced, links, and remembered devices, sessions and attempts.
func (s *Service) afterEdit(ctx context.Context, tx *store.Tx, v countersign.Visit, actor countersign.Actor, old, u countersign.User, reason string) error {
	e := newEvent(v, actor, "user.changed", u.Login)
	e.Reason, e.Detail = reason, changes(old, u)
	tx.Record(e)
	if !countersign.SameEmail(old.Email, u.Email) {
		if err := tx.EndLinks(ctx, u.ID); err != nil {
			return err
		}
		if err := tx.SaveOldEmail(ctx, u.ID, policy.KeptEmail(old, u.Email, v.Now), v.Now); err != nil {
			return err
		}
	}
	if u.Disabled && !old.Disabled {
		if err := shutOut(ctx, tx, v, actor, old, u, reason); err != nil {
			return err
		}
	} else if why := forgetsAfter(old, u); why != "" {
		if _, err := tx.ForgetDevices(ctx, u.ID, why, v.Now); err != nil {
			return err
		}
	}
	if countersign.SameEmail(old.Email, u.Email) && old.Mobile == u.Mobile {
		return nil
	}
	if err := tx.EndAttempts(ctx, u.ID, store.Except{}, v.Now); err != nil {
		return err
	}
	return notifyChanged(ctx, tx, v, actor, old, u, reason)
}

// shutOut tells a user that they were disabled, and ends what that ends.
func shutOut(ctx context.Context, tx *store.Tx, v countersign.Visit, actor countersign.Actor, old, u countersign.User, reason string) error {
	data := map[string]string{"By": displayName(actor), "Reason": reason}
	if err := notify.Send(ctx, tx, v, u, countersign.MessageDisabled, data, old.Email); err != nil {
		return err
	}
	return tx.EndAccess(ctx, u.ID, countersign.ForgottenDisabled, "disabled", "", v.Now)
}

// notifyChanged tells the user of a new number or address, at the old address too,
// and every administrator of a new address (RS-06).
func notifyChanged(ctx context.Context, tx *store.Tx, v countersign.Visit, actor countersign.Actor, old, u countersign.User, reason string) error {
	tell := func(what, before, after string) error {
		data := map[string]string{"By": displayName(actor), "Reason": reason, "What": what, "Old": factor.Readable(before), "New": factor.Readable(after)}
		return notify.Send(ctx, tx, v, u, countersign.MessageProfileChanged, data, old.Email)
	}
	if old.Mobile != u.Mobile {
		if err := tell("mobile", old.Mobile, u.Mobile); err != nil {
			return err
		}
	}
	if countersign.SameEmail(old.Email, u.Email) {
		return nil
	}
	if err := tell("email", old.Email, u.Email); err != nil {
		return err
	}
	return notify.Administrators(ctx, tx, v, countersign.MessageProfileChanged, map[string]string{
		"By": displayName(actor), "Reason": reason, "What": "email", "Old": factor.Readable(old.Email), "New": factor.Readable(u.Email), "UserID": u.Login, "Name": u.Name})
}

// forgetsAfter says why a change forgets the user's devices; empty if it does not.
func forgetsAfter(old, u countersign.User) countersign.Forgotten {
	switch {
	case !countersign.SameEmail(old.Email, u.Email) || old.Mobile != u.Mobile:
		return countersign.ForgottenEmail
	case len(without(slices.Clone(u.Rights), old.Rights)) > 0:
		return countersign.ForgottenRights
	default:
		return ""
	}
}

// changes names what is different, without the numbers and addresses of people
// beyond what an administrator needs to follow the story (AU-02).
func changes(old, u countersign.User) map[string]string {
	detail := map[string]string{}
	note := func(what, before, after string) {
		if before != after {
			detail[what] = before + " → " + after
		}
	}
	note("name", old.Name, u.Name)
	note("email", old.Email, u.Email)
	note("mobile", ending(old.Mobile), ending(u.Mobile))
	note("groups", strings.Join(old.Groups, ", "), strings.Join(u.Groups, ", "))
	note("rights", joinRights(old.Rights), joinRights(u.Rights))
	if old.Disabled != u.Disabled {
		detail["state"] = map[bool]string{true: "disabled", false: "enabled"}[u.Disabled]
	}
	return detail
}

// ending is the last two digits of a number.
func ending(number string) string {
	if len(number) < 2 {
		return ""
	}
	return "ending " + number[len(number)-2:]
}
