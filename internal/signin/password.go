package signin

import (
	"context"
	"errors"
	"time"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// VerifyPassword judges user ID and password and takes the first step: a session
// where nothing more is needed, otherwise an attempt that asks for a token or
// opens the wizard. What is wrong with the pair is never told (EN-01), and the
// same work is done for users that do not exist (EN-02).
func (s *Service) VerifyPassword(ctx context.Context, v countersign.Visit, login, password, then string) (authn.Outcome, error) {
	if len(login) > countersign.MaxTypedLength { // no user has it: no work is done for it (TH-07)
		return authn.Outcome{}, countersign.Problem(countersign.KindInvalid, "user_id.long", "user_id", nil)
	}
	u, err := s.userByLogin(ctx, v, login)
	if err != nil {
		return authn.Outcome{}, err
	}
	ctx, cancel, err := authn.UntilSettled(ctx)
	if err != nil {
		return authn.Outcome{}, err
	}
	defer cancel()
	t, err := s.Authn.CheckPassword(ctx, v, u, login, password)
	if err != nil {
		return authn.Outcome{}, err
	}
	for range manyRenewals {
		if !t.Right || u.Disabled {
			return authn.Outcome{}, s.passwordWrong(ctx, v, u, t)
		}
		var out authn.Outcome
		if out, err = s.rightPassword(ctx, v, u, t, password, then); !errors.Is(err, errChanged) {
			return out, err
		}
		if u, t, err = s.checkAgain(ctx, v, u, t, password); err != nil {
			return authn.Outcome{}, err
		}
	}
	return authn.Outcome{}, s.Authn.RefundPassword(ctx, v, t.Try, countersign.Problem(countersign.KindUnavailable, "busy", "", nil))
}

// manyRenewals is how often a hash may change while one password is checked.
const manyRenewals = 4

// errChanged is a password that was right for a hash which is not kept any more:
// another sign-in has renewed it, or another password was chosen.
var errChanged = errors.New("hash changed while it was checked")

// checkAgain compares a password that was paid for with the hash of now.
func (s *Service) checkAgain(ctx context.Context, v countersign.Visit, u countersign.User, t authn.TriedPassword, password string) (countersign.User, authn.TriedPassword, error) {
	err := s.Authn.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) (err error) {
		u, err = tx.User(ctx, u.ID)
		return err
	})
	if err != nil {
		return u, t, err
	}
	t.Right, t.Rehash, err = s.Authn.Passwords.Check(ctx, u.Password, password)
	if countersign.KindOf(err) == countersign.KindUnavailable {
		return u, t, s.Authn.RefundPassword(ctx, v, t.Try, err)
	}
	return u, t, err
}

// rightPassword renews the hash where it has to be, and takes the first step.
func (s *Service) rightPassword(ctx context.Context, v countersign.Visit, u countersign.User, t authn.TriedPassword, password, then string) (authn.Outcome, error) {
	renewed, err := s.renew(ctx, t, password)
	if err != nil {
		return authn.Outcome{}, err
	}
	return s.startAttempt(ctx, v, u, t, renewed, then, countersign.CodeOf(s.Authn.Passwords.Weak(password)))
}

// renew is a new hash for a password whose hash asks for less than it should; empty:
// it stays as it is. Where too many hashes wait, a later sign-in renews it.
func (s *Service) renew(ctx context.Context, t authn.TriedPassword, password string) (string, error) {
	if !t.Rehash {
		return "", nil
	}
	renewed, err := s.Authn.Passwords.Hash(ctx, password)
	if countersign.KindOf(err) == countersign.KindUnavailable {
		return "", nil
	}
	return renewed, err
}

func (s *Service) userByLogin(ctx context.Context, v countersign.Visit, login string) (u countersign.User, err error) {
	err = s.Authn.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, err = tx.UserByLogin(ctx, login)
		if countersign.KindOf(err) == countersign.KindNotFound {
			return nil
		}
		return err
	})
	return u, err
}

// passwordWrong writes the audit row; who typed a user ID that does not exist
// may have typed a password there, so it is not kept (AU-02).
func (s *Service) passwordWrong(ctx context.Context, v countersign.Visit, u countersign.User, t authn.TriedPassword) error {
	wrong := countersign.Problem(countersign.KindInvalid, "password.wrong", "", nil)
	err := s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		tx.Record(v.RefusedEvent("sign-in.password", u, "password.wrong"))
		return s.Authn.FailTry(ctx, tx, v, u, t.Try)
	})
	if err != nil {
		return err
	}
	s.Authn.Wake()
	return wrong
}

// startAttempt is what follows a right password. weak is why its user is asked to
// choose another one once signed in; empty: nothing speaks against it.
func (s *Service) startAttempt(ctx context.Context, v countersign.Visit, checked countersign.User, t authn.TriedPassword, renewed, then, weak string) (authn.Outcome, error) {
	var out authn.Outcome
	handle := secret.NewHandle()
	err := s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, err := tx.LockUser(ctx, checked.ID)
		if err != nil {
			return err
		}
		if u.Disabled || u.Password != checked.Password {
			return errChanged
		}
		if err := s.Authn.AcceptTry(ctx, tx, t.Try); err != nil {
			return err
		}
		if renewed != "" {
			if err := tx.SetPassword(ctx, u.ID, renewed, time.Time{}); err != nil {
				return err
			}
		}
		a := countersign.Attempt{
			ID:              authn.AttemptID(handle),
			User:            u.ID,
			Purpose:         countersign.PurposeSignIn,
			Client:          v.Client,
			Password:        true,
			ReturnTo:        then,
			PasswordProblem: weak,
			Started:         v.Now,
			Expires:         v.Now.Add(policy.AttemptLife),
		}
		f, err := s.Authn.Facts(ctx, tx, v, u, a)
		if err != nil {
			return err
		}
		cookie, err := s.identifyBrowser(ctx, tx, v, &f)
		if err != nil {
			return err
		}
		if out, err = s.firstStep(ctx, tx, v, f, handle); !out.Browser.Change {
			out.Browser = cookie
		}
		return err
	})
	if errors.Is(err, errChanged) {
		return authn.Outcome{}, err
	}
	if err != nil {
		return authn.Outcome{}, s.refusedAtPassword(ctx, v, checked, t, err)
	}
	s.Authn.Wake()
	return out, nil
}

// identifyBrowser notes in the facts of a sign-in which browser began it, and whether
// that is the user's own. A browser without a device cookie gets one with the
// password already, unless this step admits it: it opens nothing, and tells one
// browser from another at the same address.
func (s *Service) identifyBrowser(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts) (cookie authn.Cookie, err error) {
	f.Attempt.Browser = f.Browser
	if f.Known {
		f.Attempt.Known = policy.KnownBrowser(f.Devices)
		f.Attempt.KnownBrowser, err = ownBrowser(ctx, tx, *f)
		return authn.Cookie{}, err
	}
	if _, admits := policy.Next(*f).(policy.Admit); admits {
		return authn.Cookie{}, nil
	}
	b := countersign.Browser{ID: countersign.BrowserID(secret.NewID()), Created: v.Now, Seen: v.Now}
	cookie = authn.CookieOf(&b)
	f.Attempt.Browser = b.ID
	return cookie, tx.SaveBrowser(ctx, b)
}

// ownBrowser reports whether the browser of the facts is the user's own, and no one else's.
func ownBrowser(ctx context.Context, tx *store.Tx, f policy.Facts) (bool, error) {
	shared, err := tx.SharedBrowser(ctx, f.Browser, f.User.ID)
	return !shared && f.OwnBrowser(), err
}

// firstStep takes the first step after the password.
func (s *Service) firstStep(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, handle countersign.Handle) (authn.Outcome, error) {
	switch step := policy.Next(f).(type) {
	case policy.Admit:
		return s.Authn.Admit(ctx, tx, v, f, step, false)
	case policy.Refuse:
		if step.Reason == policy.RefusedLapsed || step.Reason == policy.RefusedOpenings || step.Reason == policy.RefusedNoEmail {
			return s.startLocked(ctx, tx, v, f, step, handle)
		}
		return authn.Outcome{}, refusal(step)
	case policy.Enroll:
		return s.startEnrollment(ctx, tx, v, f, handle)
	case policy.AskToken:
		if p, all := s.allPaused(f); all {
			return authn.Outcome{}, authn.RefusedTry(p)
		}
		f.Attempt.TokenAsked = true
		if err := s.Authn.AddAttempt(ctx, tx, v, f.User, f.Attempt); err != nil {
			return authn.Outcome{}, err
		}
		tx.Record(v.Event("sign-in.token_asked", f.User))
		if step.Issue {
			if err := s.Authn.IssueOrExplain(ctx, tx, v, &f, step.Factor); err != nil {
				return authn.Outcome{}, err
			}
		}
		return authn.Outcome{Step: step, Attempt: authn.SetCookie(handle), Message: f.Attempt.Challenge.Message}, tx.SaveAttempt(ctx, f.Attempt)
	default:
		return authn.Outcome{}, authn.ErrAttemptGone()
	}
}

// refusal is a step that ends the attempt, as what the person learns.
func refusal(step policy.Refuse) error {
	if step.Reason == policy.RefusedDisabled {
		return countersign.Problem(countersign.KindInvalid, step.Reason, "", nil)
	}
	return countersign.Problem(countersign.KindGone, step.Reason, "", nil)
}

// refusedAtPassword gives back the guess of a right password where no second
// factor may be tried now, and warns the user that someone has it (NT-03).
func (s *Service) refusedAtPassword(ctx context.Context, v countersign.Visit, u countersign.User, t authn.TriedPassword, why error) error {
	kind := countersign.KindOf(why)
	if kind == countersign.KindTooMany || kind == countersign.KindUnavailable {
		s.Authn.Refuse(countersign.CodeOf(why))
	}
	if kind != countersign.KindTooMany {
		if authn.NotJudged(why) {
			return s.Authn.RefundPassword(ctx, v, t.Try, why)
		}
		return why
	}
	err := s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		tx.Record(v.RefusedEvent("sign-in.refused", u, countersign.CodeOf(why)))
		if err := s.Authn.AcceptTry(ctx, tx, t.Try); err != nil {
			return err
		}
		return s.warnLocked(ctx, tx, v, u.ID)
	})
	if err != nil {
		return err
	}
	s.Authn.Wake()
	return why
}

// startEnrollment starts the set-up of a user without a verified method: the only
// live one, earlier ones stop working. The app's key is made here, so that
// opening or reloading its page changes nothing.
func (s *Service) startEnrollment(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, handle countersign.Handle) (authn.Outcome, error) {
	a := f.Attempt
	a.Enrollment = countersign.Enrollment{Open: true, Key: secret.AppKey(), KeyAt: v.Now}
	a.Expires = v.Now.Add(policy.EnrollmentLife)
	if until := f.User.ResetUntil; !until.IsZero() && until.Before(a.Expires) {
		a.Expires = until
	}
	if err := s.Authn.EndOtherAttempts(ctx, tx, v, f.User, a.ID); err != nil {
		return authn.Outcome{}, err
	}
	if err := s.Authn.AddAttempt(ctx, tx, v, f.User, a); err != nil {
		return authn.Outcome{}, err
	}
	f.Attempt = a
	if err := s.countOpening(ctx, tx, v, f.User); err != nil {
		return authn.Outcome{}, err
	}
	return authn.Outcome{Step: policy.Enroll{}, Stage: s.Authn.StageOf(f), Attempt: authn.SetCookie(handle)}, nil
}
