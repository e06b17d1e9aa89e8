package signin

import (
	"context"
	"errors"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// A comparison tells whether an answer is right, or says what is wrong with it.
type comparison func(tx *store.Tx, f policy.Facts, answer string) (right bool, err error)

// judge is guess for what was typed: six digits, or else a hint.
func (d *Desk) judge(ctx context.Context, v countersign.Visit, id countersign.AttemptID, typed string, compare comparison) error {
	token, ok := factor.ParseToken(typed)
	if !ok {
		return d.hint(ctx, v, id, fail(countersign.Invalid, "token.not_six", "token", nil))
	}
	return d.guess(ctx, v, id, "", func(tx *store.Tx, f policy.Facts) (bool, error) { return compare(tx, f, token) })
}

// guess is the one road of every guess, by token, recovery code or passkey: a
// try is paid for in a transaction of its own, and only then compares compare
// (0.1 rule 4, D-30). compare reports whether the answer was right, or an error
// for people that says what was wrong with it; both are facts that are kept.
// Any other error undoes what compare did, but not the payment. by is what is
// guessed at; empty: the token that the attempt asks for, and then it is compared
// only while the attempt asks for the one that was paid for.
func (d *Desk) guess(ctx context.Context, v countersign.Visit, id countersign.AttemptID, by countersign.Method,
	compare func(*store.Tx, policy.Facts) (right bool, err error)) error {
	guess, paid, err := d.pay(ctx, v, id, by)
	if err != nil {
		return err
	}
	var verdict error
	err = d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) (err error) {
		verdict, err = d.compared(ctx, tx, v, id, guess, func(f policy.Facts) (bool, error) {
			if by == "" && d.guessed(f).Method != paid {
				return false, movedOn(f)
			}
			return compare(tx, f)
		})
		return err
	})
	if err != nil {
		return err
	}
	d.Wake()
	return verdict
}

// compared lets a guess that was paid for be compared, and settles it. What was not
// compared, since its attempt has ended or gone on meanwhile, is given back.
func (d *Desk) compared(ctx context.Context, tx *store.Tx, v countersign.Visit, id countersign.AttemptID, g countersign.Guess,
	compare func(policy.Facts) (right bool, err error)) (verdict, err error) {
	u, a, err := d.lock(ctx, tx, id)
	if countersign.KindOf(err) == countersign.Expired {
		return err, d.unpaid(ctx, tx, id, g)
	}
	if err != nil {
		return nil, err
	}
	a.Failures-- // this guess is not a failure yet
	f, err := d.facts(ctx, tx, v, u, a)
	if err != nil {
		return nil, err
	}
	right, err := compare(f)
	var wrong *countersign.Error
	switch {
	case right:
		return err, d.rightGuess(ctx, tx, g)
	case errors.Is(err, errElsewhere) || countersign.CodeOf(err) == otherWay:
		return err, d.unpaid(ctx, tx, id, g)
	case !errors.As(err, &wrong) || wrong.Kind != countersign.Invalid:
		return nil, err
	default:
		return d.failed(ctx, tx, v, f, g, wrong)
	}
}

// otherWay is the code of a token that came for a method which is not asked for any more.
const otherWay = "token.other_way"

// movedOn is the answer to a token that was paid for at one method while the
// attempt asks for another one by now: what one costs says nothing about the other.
func movedOn(f policy.Facts) error {
	if f.Attempt.Setup.Open {
		return errElsewhere
	}
	return fail(countersign.Invalid, otherWay, "token", nil)
}

// pay takes one of the three tries, or says that none is left, and pays for the
// guess beyond this sign-in as well. paid is the method that it was paid at.
func (d *Desk) pay(ctx context.Context, v countersign.Visit, id countersign.AttemptID, by countersign.Method) (g countersign.Guess, paid countersign.Method, err error) {
	err = d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, a, err := d.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		if !v.Now.Before(a.Expires) || u.Disabled {
			return over()
		}
		if g, paid, err = d.payToken(ctx, tx, v, u, a, by); err != nil {
			return err
		}
		return reserve(ctx, tx, id)
	})
	if kind := countersign.KindOf(err); kind == countersign.TooMany || kind == countersign.Busy {
		d.refuse(countersign.CodeOf(err))
	}
	return g, paid, err
}

// unpaid gives a guess back that was not compared: between its payment and now
// the wizard has gone on, the sign-in was turned to another method, or it has
// ended, as by the first of two clicks.
func (d *Desk) unpaid(ctx context.Context, tx *store.Tx, id countersign.AttemptID, g countersign.Guess) error {
	if g.ID != "" {
		if err := tx.ReturnGuess(ctx, g); err != nil {
			return err
		}
	}
	return tx.ReturnTry(ctx, id)
}

// reserve takes one of the three tries of an attempt.
func reserve(ctx context.Context, tx *store.Tx, id countersign.AttemptID) error {
	paid, err := tx.ReserveTry(ctx, id, policy.MaxFailures)
	if err == nil && !paid {
		return fail(countersign.Expired, policy.RefusedFailures, "", nil)
	}
	return err
}

// hint is the answer to what can't be a token or code: not counted as a try, but
// not without end either (D-18). It returns why, the sentence beside the field.
func (d *Desk) hint(ctx context.Context, v countersign.Visit, id countersign.AttemptID, why error) error {
	counted := false
	err := d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		a, err := tx.Attempt(ctx, id)
		if err != nil {
			return gone(err)
		}
		if !v.Now.Before(a.Expires) {
			return over()
		}
		if counted, err = tx.CountHint(ctx, id, policy.MaxHints); err != nil || counted {
			return err
		}
		return d.hintsOver(ctx, tx, v, id)
	})
	switch {
	case err != nil:
		return err
	case !counted:
		return fail(countersign.Expired, policy.RefusedHints, "", nil)
	default:
		return why
	}
}

// hintsOver ends an attempt that sends nothing which could be a token; a token
// that is still on its way dies with it.
func (d *Desk) hintsOver(ctx context.Context, tx *store.Tx, v countersign.Visit, id countersign.AttemptID) error {
	u, a, err := d.lock(ctx, tx, id)
	if err != nil {
		return err
	}
	if a.Challenge.Message != "" {
		if err := tx.DropToken(ctx, a.Challenge.Message, v.Now); err != nil {
			return err
		}
	}
	tx.Record(refused(v, "sign-in.no_tokens", u, policy.RefusedHints))
	return d.abandon(ctx, tx, v, u, a)
}

// failed keeps a wrong token: the third one ends the attempt, its token and,
// for a step-up, the session it was opened from (M30, D-19).
func (d *Desk) failed(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, g countersign.Guess, wrong *countersign.Error) (error, error) {
	if err := d.wrongGuess(ctx, tx, v, f.User, g); err != nil {
		return nil, err
	}
	a := f.Attempt
	a.Wrong, a.WrongAt = a.Wrong+1, v.Now
	left := policy.MaxFailures - a.Wrong
	e := refused(v, "token.wrong", f.User, wrong.Code)
	e.Method = string(g.Lane.Method())
	if wrong.Field == "credential" {
		e.Method = string(countersign.ByPasskey) // which is no guess beyond its sign-in
	}
	tx.Record(e)
	if left > 0 {
		wrong.Args["Left"] = left
		if left == 1 && wrong.Code == "token.wrong" {
			wrong.Code = lastTry(a.Purpose)
		}
		return wrong, tx.SaveAttempt(ctx, a)
	}
	if a.Challenge.Message != "" {
		if err := tx.DropToken(ctx, a.Challenge.Message, v.Now); err != nil {
			return nil, err
		}
	}
	if _, err := tx.EndAttempt(ctx, a.ID); err != nil {
		return nil, err
	}
	if a.Purpose == countersign.StepUp {
		if _, err := tx.EndSession(ctx, a.User, a.Session, "failures", v.Now); err != nil {
			return nil, err
		}
	}
	tx.Record(refused(v, "sign-in.third_failure", f.User, policy.RefusedFailures))
	if a.Purpose == countersign.SignIn {
		if err := d.warnOf(ctx, tx, v, f.User, a, a.Warns(countersign.Ended)); err != nil {
			return nil, err
		}
	}
	return fail(countersign.Expired, policy.RefusedFailures, "", countersign.Args{"Login": f.User.Login}), nil
}

// lastTry says what another wrong token ends: the sign-in or the session, or only
// the wizard that was opened from the User Profile (D-20).
func lastTry(p countersign.Purpose) string {
	if p == countersign.SetUp {
		return "token.wrong_last_own"
	}
	return "token.wrong_last"
}
