package signin

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"errors"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// BeginStepUp keeps an act that needs a fresh second factor and asks for one by
// the Default; the act goes on by itself afterwards (SE-06).
func (d *Desk) BeginStepUp(ctx context.Context, v countersign.Visit, act countersign.Act) (Outcome, error) {
	var out Outcome
	if err := policy.MayWait(act); err != nil {
		return out, err
	}
	g, err := d.Enter(ctx, v)
	if err != nil {
		return out, err
	}
	err = d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, err := tx.LockUser(ctx, g.User.ID)
		if err != nil {
			return err
		}
		if err := tx.EndSessionAttempts(ctx, g.Session.ID, countersign.StepUp); err != nil {
			return err
		}
		a := countersign.Attempt{
			ID:      attemptID(secret.NewHandle()), // nobody holds its handle: the session leads to it
			User:    u.ID,
			Purpose: countersign.StepUp,
			Session: g.Session.ID,
			Client:  v.Client,
			Act:     &act,
			Started: v.Now,
			Expires: v.Now.Add(policy.AttemptLife),
		}
		f, err := d.facts(ctx, tx, v, u, a)
		if err != nil {
			return err
		}
		if err := d.addAttempt(ctx, tx, v, u, a); err != nil {
			return err
		}
		if g.Fresh(v.Now) {
			return nil // nothing is to be proved, only meant: the page has one button
		}
		if step, ok := policy.Fresh(f).(policy.AskToken); ok && step.Issue {
			if err := d.issueOrTell(ctx, tx, v, &f, step.Factor); err != nil {
				return err
			}
		}
		out.Message = f.Attempt.Challenge.Message
		tx.Record(record(v, "step-up.asked", u))
		return tx.SaveAttempt(ctx, f.Attempt)
	})
	d.Wake()
	return out, err
}

// mark binds the forms of a step-up to the act that their page names.
func (d *Desk) mark(a countersign.Attempt) string {
	return base64.RawURLEncoding.EncodeToString(d.Key.MAC("step-up", string(a.ID))[:18])
}

// stepUp is the step-up that is open for the session of the visit, if the form
// comes from its page: another window may have begun another one meanwhile.
func (d *Desk) stepUp(ctx context.Context, v countersign.Visit) (a countersign.Attempt, err error) {
	err = d.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		a, err = tx.SessionAttempt(ctx, sessionID(v.Session), countersign.StepUp)
		return gone(err)
	})
	if err == nil && !hmac.Equal([]byte(d.mark(a)), []byte(v.Act)) {
		err = fail(countersign.Exists, "step_up.other", "", nil)
	}
	return a, err
}

// StepUpToken judges the token of a step-up and returns the act that goes on.
func (d *Desk) StepUpToken(ctx context.Context, v countersign.Visit, typed Typed) (Outcome, *countersign.Act, error) {
	var out Outcome
	a, err := d.stepUp(ctx, v)
	if err != nil {
		return out, nil, err
	}
	err = d.judge(ctx, v, a.ID, typed, d.steppingUp(v, d.prove, &out))
	return out, a.Act, err
}

// steppingUp compares the answer that a step-up waits for, and ends it.
func (d *Desk) steppingUp(v countersign.Visit, prove prover, out *Outcome) comparison {
	return func(ctx context.Context, tx *store.Tx, f policy.Facts, answer string) (bool, error) {
		step, ok := policy.Fresh(f).(policy.AskToken)
		if !ok {
			return false, over()
		}
		if right, err := prove(ctx, tx, v, &f, step.Factor, answer); !right || err != nil {
			return false, err
		}
		var err error
		*out, err = d.steppedUp(ctx, tx, v, f)
		return err == nil, err
	}
}

// StepUpPassword is the step-up of a user without a verified method. A wrong
// password counts like a wrong token.
func (d *Desk) StepUpPassword(ctx context.Context, v countersign.Visit, password string) (Outcome, *countersign.Act, error) {
	var out Outcome
	a, err := d.stepUp(ctx, v)
	if err != nil {
		return out, nil, err
	}
	client := ctx
	ctx, cancel, err := untilSettled(client)
	if err != nil {
		return out, nil, err
	}
	defer cancel()
	u, err := d.payStepUp(ctx, v, a)
	if err != nil {
		return out, nil, err
	}
	t, err := d.tryPassword(ctx, v, u, u.Login, password)
	if err != nil {
		return out, nil, d.returnTry(ctx, v, a.ID, err)
	}
	var verdict error
	err = d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) (err error) {
		out, verdict, err = d.settleStepUp(ctx, tx, v, a.ID, u, t)
		if err == nil && verdict == nil && client.Err() != nil {
			return errHungUp
		}
		return err
	})
	switch {
	case errors.Is(err, errHungUp):
		return Outcome{}, nil, d.refund(ctx, v, a.ID, t.guess, client.Err())
	case notJudged(err):
		return Outcome{}, nil, d.refund(ctx, v, a.ID, t.guess, err)
	case err != nil:
		return Outcome{}, nil, err
	}
	return out, a.Act, verdict
}

// settleStepUp does what follows a password in a step-up.
func (d *Desk) settleStepUp(ctx context.Context, tx *store.Tx, v countersign.Visit, id countersign.AttemptID, checked countersign.User, t tried) (out Outcome, verdict, err error) {
	u, a, err := d.lock(ctx, tx, id)
	if err != nil {
		return out, nil, err
	}
	a.Failures--
	f, err := d.facts(ctx, tx, v, u, a)
	if err != nil {
		return out, nil, err
	}
	if _, asks := policy.Fresh(f).(policy.AskPassword); !asks {
		return out, nil, over()
	}
	if !t.right || !policy.SamePassword(checked, u) {
		wrong := &countersign.Error{Kind: countersign.Invalid, Code: "step_up.password_wrong", Field: "password", Args: countersign.Args{}}
		verdict, err = d.failed(ctx, tx, v, f, t.guess, wrong)
		return out, verdict, err
	}
	if err := d.rightGuess(ctx, tx, t.guess); err != nil {
		return out, nil, err
	}
	out, err = d.steppedUp(ctx, tx, v, f)
	return out, nil, err
}

// payStepUp takes one of the tries of a step-up by password, and reads its user.
func (d *Desk) payStepUp(ctx context.Context, v countersign.Visit, a countersign.Attempt) (u countersign.User, err error) {
	err = d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		if u, a, err = d.lock(ctx, tx, a.ID); err != nil {
			return err
		}
		if !v.Now.Before(a.Expires) {
			return over()
		}
		return reserve(ctx, tx, v, a)
	})
	return u, err
}

// returnTry gives a try back whose password was not compared.
func (d *Desk) returnTry(ctx context.Context, v countersign.Visit, id countersign.AttemptID, why error) error {
	if kind := countersign.KindOf(why); kind != countersign.Busy && kind != countersign.TooMany {
		return why
	}
	err := d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error { return tx.ReturnTry(ctx, id) })
	if err != nil {
		return err
	}
	return why
}

// steppedUp renews the session and ends the step-up.
func (d *Desk) steppedUp(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts) (Outcome, error) {
	if _, err := tx.EndAttempt(ctx, f.Attempt.ID); err != nil {
		return Outcome{}, err
	}
	e := record(v, "step-up.completed", f.User)
	e.Method = string(f.Attempt.Proved)
	tx.Record(e)
	if f.Attempt.Proved == "" {
		f.Attempt.Proved = countersign.Method(countersign.ProofPassword)
		session, err := d.prolongByPassword(ctx, tx, v, f)
		return Outcome{Session: session}, err
	}
	session, browser, err := d.prolong(ctx, tx, v, f)
	return Outcome{Session: session, Browser: browser}, err
}

// prolongByPassword renews the session without any trust for the device: a
// password is no second factor.
func (d *Desk) prolongByPassword(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts) (Cookie, error) {
	handle := secret.NewHandle()
	alive, err := tx.RenewSession(ctx, f.Attempt.Session, sessionID(handle), countersign.ProofPassword, v.Now)
	if err == nil && !alive {
		err = fail(countersign.SignedOut, "session.ended", "", countersign.Args{"At": v.Now})
	}
	if err != nil {
		return Cookie{}, err
	}
	return set(handle), tx.MoveSessionAttempts(ctx, f.Attempt.Session, sessionID(handle))
}

// NewStepUpToken sends a new token for the step-up of the session.
func (d *Desk) NewStepUpToken(ctx context.Context, v countersign.Visit) (Outcome, error) {
	a, err := d.stepUp(ctx, v)
	if err != nil {
		return Outcome{}, err
	}
	return d.send(ctx, v, a.ID, func(f policy.Facts) (countersign.Factor, error) { return asked(policy.Fresh(f)) })
}

// StepUpOtherWay turns the step-up of the session to another verified method.
func (d *Desk) StepUpOtherWay(ctx context.Context, v countersign.Visit, m countersign.Method) (Outcome, error) {
	a, err := d.stepUp(ctx, v)
	if err != nil {
		return Outcome{}, err
	}
	return d.turn(ctx, v, a.ID, m, Wish{})
}

// GoOn lets the act go on that waited to be seen, and nothing is proved by it:
// whatever it does asks for a step-up of its own if the last one is too old.
func (d *Desk) GoOn(ctx context.Context, v countersign.Visit) (*countersign.Act, error) {
	a, err := d.stepUp(ctx, v)
	if err != nil {
		return nil, err
	}
	return a.Act, d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		ended, err := tx.EndAttempt(ctx, a.ID)
		if err == nil && !ended {
			err = over()
		}
		return err
	})
}

// CancelStepUp drops the act that waits, and says where it came from.
func (d *Desk) CancelStepUp(ctx context.Context, v countersign.Visit) (back string, err error) {
	a, err := d.stepUp(ctx, v)
	if err != nil {
		return "", err
	}
	return a.Act.Back, d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		_, err := tx.EndAttempt(ctx, a.ID)
		return err
	})
}
