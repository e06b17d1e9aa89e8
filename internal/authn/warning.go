package authn

import (
	"context"
	"errors"
	"strconv"
	"time"

	"countersign"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// WarnUser warns the user that someone knows their password: by at most one mail an
// hour, and on their home page (NT-03). instead is the warning that it replaces.
func (s *Service) WarnUser(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, w countersign.Warning, instead string) error {
	w.Notified = true
	if err := tx.AddWarning(ctx, w, instead); err != nil {
		return err
	}
	return s.notifyWarning(ctx, tx, v, u, w)
}

func (s *Service) notifyWarning(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, w countersign.Warning) error {
	n, err := tx.CountMessagesAbout(ctx, u.ID, countersign.MessagePasswordKnown, v.Now.Add(-policy.WarningEvery))
	if err != nil || n > 0 {
		return err
	}
	v.Client = w.Client
	data := map[string]string{"At": notify.Until(w.At), "Wrong": strconv.Itoa(w.Wrong)}
	if u.PasswordAt.After(w.At) {
		data["Replaced"] = "yes"
	}
	return notify.Send(ctx, tx, v, u, countersign.MessagePasswordKnown, data)
}

// EndWithWarning ends an attempt whose second factor will not come.
func (s *Service) EndWithWarning(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, a countersign.Attempt) error {
	there, err := tx.EndAttempt(ctx, a.ID)
	if err != nil || !there {
		return err
	}
	return s.warnAbout(ctx, tx, v, u, a, a.Warns(countersign.Ended))
}

// warnAbout does with an attempt what Warns has decided.
func (s *Service) warnAbout(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, a countersign.Attempt, warn countersign.WarnTiming) error {
	if warn == countersign.WarnNever {
		return nil
	}
	w := a.Warning(secret.NewID(), v.Now, warn)
	if v.Now.Before(w.Due) {
		return tx.AddWarning(ctx, w, a.Warned)
	}
	return s.WarnUser(ctx, tx, v, u, w, a.Warned)
}

// AddAttempt keeps a new attempt. Where its user has too many of its purpose already,
// one is ended, with its warning: anyone who knows a password could pile up any number.
func (s *Service) AddAttempt(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, a countersign.Attempt) error {
	n, err := tx.CountAttempts(ctx, u.ID, a.Purpose, v.Now)
	if err != nil {
		return err
	}
	if n < policy.MaxAttempts {
		return tx.AddAttempt(ctx, a)
	}
	live, err := tx.LiveAttempts(ctx, u.ID, a.Purpose, v.Now, 5*policy.MaxAttempts)
	if err != nil {
		return err
	}
	for _, surplus := range policy.Surplus(live) {
		if err := s.endSurplus(ctx, tx, v, u, surplus); err != nil {
			return err
		}
	}
	return tx.AddAttempt(ctx, a)
}

// endSurplus ends an attempt so that another one may begin. Its page says so.
func (s *Service) endSurplus(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, a countersign.Attempt) error {
	if a.ID == "" {
		return nil // it can't be read
	}
	if a.Challenge.Message != "" {
		if err := tx.DropToken(ctx, a.Challenge.Message, v.Now); err != nil {
			return err
		}
	}
	if err := tx.KeepEnding(ctx, a, store.EndedCrowded); err != nil {
		return err
	}
	return s.EndWithWarning(ctx, tx, v, u, a)
}

// EndOtherAttempts ends what else was begun for a user, done left out, because of what
// was proved or changed just now. They are warned of half sign-ins as ever, and
// what they had posted in this browser still waits for them.
func (s *Service) EndOtherAttempts(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, done countersign.AttemptID) error {
	kept := store.Except{Attempt: done, Why: store.EndedElsewhere}
	if v.Session != "" {
		kept.Session = SessionID(v.Session)
	}
	if err := tx.EndAttempts(ctx, u.ID, kept, v.Now); err != nil {
		return err
	}
	return s.notifyDue(ctx, tx, v, u)
}

// resolveWarnings follows a completed sign-in. It ends no other sign-in of the user
// (NT-05): unfinished sign-ins of the same browser no longer warn, and wrong tokens
// from elsewhere warn now, so that the home page shows them.
func (s *Service) resolveWarnings(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts) error {
	here := func(b countersign.BrowserID, c countersign.Client) bool {
		return policy.SamePerson(f.Agency.Network, f.Attempt.Browser, b, v.Client, c)
	}
	attempts, err := tx.UserAttempts(ctx, f.User.ID)
	if err != nil {
		return err
	}
	for _, a := range attempts {
		if a.ID == f.Attempt.ID || !a.AwaitingSecondFactor() || !v.Now.Before(a.Expires) {
			continue
		}
		if err := s.resolveWarning(ctx, tx, v, f.User, a, here(a.Browser, a.Client)); err != nil {
			return err
		}
	}
	if f.Attempt.Warned != "" {
		if err := tx.DropWarning(ctx, f.Attempt.Warned); err != nil {
			return err
		}
	}
	waiting, err := tx.DueWarnings(ctx, f.User.ID)
	for _, w := range waiting {
		if here(w.Browser, w.Client) && v.Now.Before(w.Due) {
			err = errors.Join(err, tx.DropWarning(ctx, w.ID))
		}
	}
	return err
}

// resolveWarning notes in a sign-in that goes on that its user has signed in: in the same
// browser, so that it was theirs, or elsewhere.
func (s *Service) resolveWarning(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, a countersign.Attempt, here bool) error {
	if here {
		if a.Warned != "" {
			if err := tx.DropWarning(ctx, a.Warned); err != nil {
				return err
			}
		}
		a.Cleared, a.Notified, a.Warned = true, a.Wrong, ""
		return tx.SaveAttempt(ctx, a)
	}
	if a.Warns(countersign.SignedInElsewhere) != countersign.WarnNow {
		return nil // what it says later, it says when it ends
	}
	w := a.Warning(secret.NewID(), v.Now, countersign.WarnNow)
	if err := s.WarnUser(ctx, tx, v, u, w, a.Warned); err != nil {
		return err
	}
	a.Notified, a.Warned = a.Wrong, w.ID
	return tx.SaveAttempt(ctx, a)
}

// expireBatch is how much one round of ExpireAttempts handles; the next round follows soon.
const expireBatch = 1000

// ExpireAttempts ends attempts that are over, of all agencies, and tells the users of
// those whose second factor never came. Every node may do it at once.
func (s *Service) ExpireAttempts(ctx context.Context, now time.Time) error {
	err := s.expireAttempts(ctx, now)
	err = errors.Join(err, s.sendDueWarnings(ctx, now))
	s.Wake()
	return err
}

func (s *Service) expireAttempts(ctx context.Context, now time.Time) error {
	attempts, err := s.Store.ExpiredAttempts(ctx, now, expireBatch)
	for _, over := range attempts {
		err = errors.Join(err, s.expire(ctx, now, over, func(tx *store.Tx, v countersign.Visit, u countersign.User) error {
			a, err := tx.Attempt(ctx, countersign.AttemptID(over.ID))
			if kind := countersign.KindOf(err); kind == countersign.KindNotFound || kind == countersign.KindGone {
				return nil // another node was first
			}
			if err != nil || now.Before(a.Expires) {
				return err
			}
			return s.EndWithWarning(ctx, tx, v, u, a)
		}))
	}
	return err
}

func (s *Service) sendDueWarnings(ctx context.Context, now time.Time) error {
	warnings, err := s.Store.DueWarnings(ctx, now, expireBatch)
	for _, due := range warnings {
		err = errors.Join(err, s.expire(ctx, now, due, func(tx *store.Tx, v countersign.Visit, u countersign.User) error {
			return s.notifyDue(ctx, tx, v, u)
		}))
	}
	return err
}

// expire runs f on the locked user of something that is due.
func (s *Service) expire(ctx context.Context, now time.Time, due store.Due, f func(*store.Tx, countersign.Visit, countersign.User) error) error {
	v := countersign.Visit{Agency: countersign.Agency{ID: due.Agency}, Now: now}
	return s.Store.In(ctx, due.Agency, func(tx *store.Tx) error {
		u, err := tx.LockUser(ctx, due.User)
		if countersign.KindOf(err) == countersign.KindNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return f(tx, v, u)
	})
}

// notifyDue notifies a user of their warnings that are due.
func (s *Service) notifyDue(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User) error {
	waiting, err := tx.DueWarnings(ctx, u.ID)
	if err != nil {
		return err
	}
	for _, w := range waiting {
		if v.Now.Before(w.Due) {
			continue
		}
		if err := tx.SetWarningNotified(ctx, w.ID); err != nil {
			return err
		}
		if err := s.notifyWarning(ctx, tx, v, u, w); err != nil {
			return err
		}
	}
	return nil
}
