package signin

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"errors"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// BeginStepUp keeps an act that needs a fresh second factor and asks for one by
// the Default; the act goes on by itself afterwards (SE-06).
func (s *Service) BeginStepUp(ctx context.Context, v countersign.Visit, act countersign.PendingRequest) (authn.Outcome, error) {
	var out authn.Outcome
	if err := policy.CheckPending(act); err != nil {
		return out, err
	}
	g, err := s.Authn.Authenticate(ctx, v)
	if err != nil {
		return out, err
	}
	err = s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, err := tx.LockUser(ctx, g.User.ID)
		if err != nil {
			return err
		}
		if err := tx.EndSessionAttempts(ctx, g.Session.ID, countersign.PurposeStepUp); err != nil {
			return err
		}
		a := countersign.Attempt{
			ID:      authn.AttemptID(secret.NewHandle()), // no browser holds its handle: the session leads to it
			User:    u.ID,
			Purpose: countersign.PurposeStepUp,
			Session: g.Session.ID,
			Client:  v.Client,
			Pending: &act,
			Started: v.Now,
			Expires: v.Now.Add(policy.AttemptLife),
		}
		f, err := s.Authn.Facts(ctx, tx, v, u, a)
		if err != nil {
			return err
		}
		if err := s.Authn.AddAttempt(ctx, tx, v, u, a); err != nil {
			return err
		}
		if g.Fresh(v.Now) {
			return nil // nothing is to be proved, only meant: the page has one button
		}
		if step, ok := policy.NextStepUp(f).(policy.AskToken); ok && step.Issue {
			if err := s.Authn.IssueOrExplain(ctx, tx, v, &f, step.Factor); err != nil {
				return err
			}
		}
		out.Message = f.Attempt.Challenge.Message
		tx.Record(v.Event("step-up.asked", u))
		return tx.SaveAttempt(ctx, f.Attempt)
	})
	s.Authn.Wake()
	return out, err
}

// pendingMark binds the forms of a step-up to the act that their page names.
func (s *Service) pendingMark(a countersign.Attempt) string {
	return base64.RawURLEncoding.EncodeToString(s.Authn.Key.MAC("step-up", string(a.ID))[:18])
}

// stepUp is the step-up that is open for the session of the visit, if the form
// comes from its page: another window may have begun another one since.
func (s *Service) stepUp(ctx context.Context, v countersign.Visit) (a countersign.Attempt, err error) {
	err = s.Authn.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		a, err = tx.SessionAttempt(ctx, authn.SessionID(v.Session), countersign.PurposeStepUp)
		return authn.OrGone(err)
	})
	if err == nil && !hmac.Equal([]byte(s.pendingMark(a)), []byte(v.Pending)) {
		err = countersign.Problem(countersign.KindConflict, "step_up.other", "", nil)
	}
	return a, err
}

// VerifyStepUpToken judges the token of a step-up and returns the act that goes on.
func (s *Service) VerifyStepUpToken(ctx context.Context, v countersign.Visit, typed authn.Typed) (authn.Outcome, *countersign.PendingRequest, error) {
	var out authn.Outcome
	a, err := s.stepUp(ctx, v)
	if err != nil {
		return out, nil, err
	}
	err = s.Authn.VerifyTyped(ctx, v, a.ID, typed, s.steppingUp(v, s.Authn.CheckToken, &out))
	return out, a.Pending, err
}

// steppingUp compares the answer that a step-up waits for, and ends it.
func (s *Service) steppingUp(v countersign.Visit, prove checker, out *authn.Outcome) authn.Check {
	return func(ctx context.Context, tx *store.Tx, f policy.Facts, answer string) (bool, error) {
		step, ok := policy.NextStepUp(f).(policy.AskToken)
		if !ok {
			return false, authn.ErrAttemptGone()
		}
		if right, err := prove(ctx, tx, v, &f, step.Factor, answer); !right || err != nil {
			return false, err
		}
		var err error
		*out, err = s.steppedUp(ctx, tx, v, f)
		return err == nil, err
	}
}

// VerifyStepUpPassword is the step-up of a user without a verified method. A wrong
// password counts like a wrong token.
func (s *Service) VerifyStepUpPassword(ctx context.Context, v countersign.Visit, password string) (authn.Outcome, *countersign.PendingRequest, error) {
	var out authn.Outcome
	a, err := s.stepUp(ctx, v)
	if err != nil {
		return out, nil, err
	}
	client := ctx
	ctx, cancel, err := authn.UntilSettled(client)
	if err != nil {
		return out, nil, err
	}
	defer cancel()
	u, err := s.spendStepUpTry(ctx, v, a)
	if err != nil {
		return out, nil, err
	}
	t, err := s.Authn.CheckPassword(ctx, v, u, u.Login, password)
	if err != nil {
		return out, nil, s.returnTry(ctx, v, a.ID, err)
	}
	var verdict error
	err = s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) (err error) {
		out, verdict, err = s.settleStepUp(ctx, tx, v, a.ID, u, t)
		if err == nil && verdict == nil && client.Err() != nil {
			return authn.ErrHungUp
		}
		return err
	})
	switch {
	case errors.Is(err, authn.ErrHungUp):
		return authn.Outcome{}, nil, s.Authn.Refund(ctx, v, a.ID, t.Try, client.Err())
	case authn.NotJudged(err):
		return authn.Outcome{}, nil, s.Authn.Refund(ctx, v, a.ID, t.Try, err)
	case err != nil:
		return authn.Outcome{}, nil, err
	}
	return out, a.Pending, verdict
}

// settleStepUp does what follows a password in a step-up.
func (s *Service) settleStepUp(ctx context.Context, tx *store.Tx, v countersign.Visit, id countersign.AttemptID, checked countersign.User, t authn.TriedPassword) (out authn.Outcome, verdict, err error) {
	u, a, err := s.Authn.Lock(ctx, tx, id)
	if err != nil {
		return out, nil, err
	}
	a.Failures--
	f, err := s.Authn.Facts(ctx, tx, v, u, a)
	if err != nil {
		return out, nil, err
	}
	if _, asks := policy.NextStepUp(f).(policy.AskPassword); !asks {
		return out, nil, authn.ErrAttemptGone()
	}
	if !t.Right || !policy.SamePassword(checked, u) {
		wrong := &countersign.Error{Kind: countersign.KindInvalid, Code: "step_up.password_wrong", Field: "password", Args: countersign.Args{}}
		verdict, err = s.Authn.Failed(ctx, tx, v, f, t.Try, wrong)
		return out, verdict, err
	}
	if err := s.Authn.AcceptTry(ctx, tx, t.Try); err != nil {
		return out, nil, err
	}
	out, err = s.steppedUp(ctx, tx, v, f)
	return out, nil, err
}

// spendStepUpTry takes one of the tries of a step-up by password, and reads its user.
func (s *Service) spendStepUpTry(ctx context.Context, v countersign.Visit, a countersign.Attempt) (u countersign.User, err error) {
	err = s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		if u, a, err = s.Authn.Lock(ctx, tx, a.ID); err != nil {
			return err
		}
		if !v.Now.Before(a.Expires) {
			return authn.ErrAttemptGone()
		}
		return authn.ReserveTry(ctx, tx, v, a)
	})
	return u, err
}

// returnTry gives a try back whose password was not compared.
func (s *Service) returnTry(ctx context.Context, v countersign.Visit, id countersign.AttemptID, why error) error {
	if kind := countersign.KindOf(why); kind != countersign.KindUnavailable && kind != countersign.KindTooMany {
		return why
	}
	err := s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error { return tx.ReturnTry(ctx, id) })
	if err != nil {
		return err
	}
	return why
}

// steppedUp renews the session and ends the step-up.
func (s *Service) steppedUp(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts) (authn.Outcome, error) {
	if _, err := tx.EndAttempt(ctx, f.Attempt.ID); err != nil {
		return authn.Outcome{}, err
	}
	e := v.Event("step-up.completed", f.User)
	e.Method = string(f.Attempt.Proved)
	tx.Record(e)
	if f.Attempt.Proved == "" {
		f.Attempt.Proved = countersign.Method(countersign.ProofPassword)
		session, err := s.rotateByPassword(ctx, tx, v, f)
		return authn.Outcome{Session: session}, err
	}
	session, browser, err := s.Authn.RotateSession(ctx, tx, v, f)
	return authn.Outcome{Session: session, Browser: browser}, err
}

// rotateByPassword renews the session without any trust for the device: a
// password is no second factor.
func (s *Service) rotateByPassword(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts) (authn.Cookie, error) {
	handle := secret.NewHandle()
	alive, err := tx.RenewSession(ctx, f.Attempt.Session, authn.SessionID(handle), countersign.ProofPassword, v.Now)
	if err == nil && !alive {
		err = countersign.Problem(countersign.SignedOut, "session.ended", "", countersign.Args{"At": v.Now})
	}
	if err != nil {
		return authn.Cookie{}, err
	}
	return authn.SetCookie(handle), tx.MoveSessionAttempts(ctx, f.Attempt.Session, authn.SessionID(handle))
}

// NewStepUpToken sends a new token for the step-up of the session.
func (s *Service) NewStepUpToken(ctx context.Context, v countersign.Visit) (authn.Outcome, error) {
	a, err := s.stepUp(ctx, v)
	if err != nil {
		return authn.Outcome{}, err
	}
	return s.Authn.Send(ctx, v, a.ID, func(f policy.Facts) (countersign.Factor, error) { return askedFactor(policy.NextStepUp(f)) })
}

// UseOtherStepUpMethod turns the step-up of the session to another verified method.
func (s *Service) UseOtherStepUpMethod(ctx context.Context, v countersign.Visit, m countersign.Method) (authn.Outcome, error) {
	a, err := s.stepUp(ctx, v)
	if err != nil {
		return authn.Outcome{}, err
	}
	return s.switchMethod(ctx, v, a.ID, m, authn.RememberChoice{})
}

// ReleasePending lets the act go on that waited to be seen, and nothing is proved by it:
// whatever it does asks for a step-up of its own if the last one is too old.
func (s *Service) ReleasePending(ctx context.Context, v countersign.Visit) (*countersign.PendingRequest, error) {
	a, err := s.stepUp(ctx, v)
	if err != nil {
		return nil, err
	}
	return a.Pending, s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		ended, err := tx.EndAttempt(ctx, a.ID)
		if err == nil && !ended {
			err = authn.ErrAttemptGone()
		}
		return err
	})
}

// CancelStepUp drops the act that waits, and says where it came from.
func (s *Service) CancelStepUp(ctx context.Context, v countersign.Visit) (back string, err error) {
	a, err := s.stepUp(ctx, v)
	if err != nil {
		return "", err
	}
	return a.Pending.Back, s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		_, err := tx.EndAttempt(ctx, a.ID)
		return err
	})
}
