package signin

import (
	"context"
	"errors"
	"slices"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// Token judges the token of a sign-in. decline: this device is not to be remembered.
func (d *Desk) Token(ctx context.Context, v countersign.Visit, typed string, decline bool) (Outcome, error) {
	var out Outcome
	if err := d.standsIn(ctx, v, false); err != nil {
		return out, err
	}
	err := d.judge(ctx, v, attemptID(v.Attempt), typed, d.admitting(ctx, v, d.prove, decline, &out))
	return out, err
}

// A comparison tells whether an answer is right, or says what is wrong with it.
type comparison func(tx *store.Tx, f policy.Facts, answer string) (right bool, err error)

// A prover compares an answer with what a method expects, and keeps the proof in the facts.
type prover func(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, fa countersign.Factor, answer string) (bool, error)

// admitting compares the answer that a sign-in waits for, and admits.
func (d *Desk) admitting(ctx context.Context, v countersign.Visit, prove prover, decline bool, out *Outcome) comparison {
	return func(tx *store.Tx, f policy.Facts, answer string) (bool, error) {
		step, ok := policy.Next(f).(policy.AskToken)
		if !ok {
			return false, over()
		}
		if right, err := prove(ctx, tx, v, &f, step.Factor, answer); !right || err != nil {
			return false, err
		}
		admit, ok := policy.Next(f).(policy.Admit)
		if !ok {
			return false, over()
		}
		var err error
		*out, err = d.admit(ctx, tx, v, f, admit, decline)
		return err == nil, err
	}
}

// standsIn refuses what was sent to the wizard by an attempt outside of it, or
// the other way round, before it costs a try (SE-02); and what needs a step-up first.
func (d *Desk) standsIn(ctx context.Context, v countersign.Visit, wizard bool) error {
	return d.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		a, err := tx.Attempt(ctx, attemptID(v.Attempt))
		if err != nil {
			return gone(err)
		}
		if a.Setup.Open != wizard {
			return over()
		}
		return d.wizardRecent(ctx, tx, v, a)
	})
}

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
// guessed at; empty: the token that the attempt asks for.
func (d *Desk) guess(ctx context.Context, v countersign.Visit, id countersign.AttemptID, by countersign.Method,
	compare func(*store.Tx, policy.Facts) (right bool, err error)) error {
	guess, err := d.pay(ctx, v, id, by)
	if err != nil {
		return err
	}
	var verdict error
	err = d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, a, err := d.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		a.Failures-- // this guess is not a failure yet
		f, err := d.facts(ctx, tx, v, u, a)
		if err != nil {
			return err
		}
		right, err := compare(tx, f)
		verdict = err
		switch {
		case right:
			return d.rightGuess(ctx, tx, guess)
		case errors.Is(err, errElsewhere):
			return d.unpaid(ctx, tx, id, guess)
		}
		var wrong *countersign.Error
		if !errors.As(err, &wrong) || wrong.Kind != countersign.Invalid {
			return err
		}
		verdict, err = d.failed(ctx, tx, v, f, guess, wrong)
		return err
	})
	if err != nil {
		return err
	}
	d.Wake()
	return verdict
}

// pay takes one of the three tries, or says that none is left, and pays for the
// guess beyond this sign-in as well.
func (d *Desk) pay(ctx context.Context, v countersign.Visit, id countersign.AttemptID, by countersign.Method) (countersign.Guess, error) {
	var g countersign.Guess
	err := d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, a, err := d.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		if !v.Now.Before(a.Expires) || u.Disabled {
			return over()
		}
		if g, err = d.payToken(ctx, tx, v, u, a, by); err != nil {
			return err
		}
		return reserve(ctx, tx, id)
	})
	if kind := countersign.KindOf(err); kind == countersign.TooMany || kind == countersign.Busy {
		d.refuse(countersign.CodeOf(err))
	}
	return g, err
}

// unpaid gives a guess back that was not compared: between its payment and now
// the wizard has gone on.
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
		if err := d.warn(ctx, tx, v, f.User, a.Warning(secret.NewID(), v.Now)); err != nil {
			return nil, err
		}
	}
	return fail(countersign.Expired, policy.RefusedFailures, "", nil), nil
}

// lastTry says what another wrong token ends: the sign-in or the session, or only
// the wizard that was opened from the User Profile (D-20).
func lastTry(p countersign.Purpose) string {
	if p == countersign.SetUp {
		return "token.wrong_last_own"
	}
	return "token.wrong_last"
}

// prove compares the token with what method fa expects and keeps the proof in
// the facts. What is wrong with it comes back as an error for people.
func (d *Desk) prove(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, fa countersign.Factor, token string) (bool, error) {
	m := d.Methods.Of(fa.Method)
	if m == nil {
		return false, over()
	}
	c := f.Attempt.Challenge
	binding := d.binding(v, f.Attempt)
	after, err := m.Check(fa, c, binding, token, v.Now)
	if err != nil {
		return false, d.whatIsWrong(err, f.Attempt, fa, binding, token, v)
	}
	f.Attempt.Setup.Step = after.State
	if fa.ID != "" {
		won, err := tx.UseFactor(ctx, after, v.Now)
		if err != nil {
			return false, err
		}
		if !won {
			return false, d.whatIsWrong(factor.ErrUsed, f.Attempt, fa, binding, token, v)
		}
	}
	if c.Message != "" && c.Method == fa.Method {
		if err := tx.UseToken(ctx, c.Message); err != nil {
			return false, err
		}
	}
	answered(&f.Attempt, fa.Method)
	f.Attempt.Proved, f.Attempt.Challenge = fa.Method, countersign.Challenge{}
	return true, nil
}

// whatIsWrong names what is wrong with a token, as far as that helps its owner
// and nobody else.
func (d *Desk) whatIsWrong(err error, a countersign.Attempt, fa countersign.Factor, in factor.Binding, token string, v countersign.Visit) error {
	c := a.Challenge
	args := countersign.Args{"Reference": c.Reference, "Until": c.Expires}
	code := "token.wrong"
	switch {
	case errors.Is(err, factor.ErrUsed):
		code = "token.used"
	case errors.Is(err, factor.ErrOtherMinute):
		code = "app.clock"
	case d.keyOver(a, fa, in, token, v):
		code = "app.key_over"
	case slices.ContainsFunc(a.Earlier, func(e countersign.Earlier) bool { return factor.Was(d.Key, fa, e, in, token) }):
		code = "token.replaced"
	case fa.Method != countersign.App && !c.Issued.IsZero() && !c.Live(v.Now):
		code = "token.expired"
	}
	return fail(countersign.Invalid, code, "token", args)
}

func (d *Desk) binding(v countersign.Visit, a countersign.Attempt) factor.Binding {
	return factor.Binding{
		Agency:  v.Agency.ID,
		User:    a.User,
		Attempt: a.ID,
		Purpose: a.Purpose,
		SetUp:   a.Setup.Open,
	}
}

// NewToken sends a new token by the same method; the earlier one stops working (M33).
func (d *Desk) NewToken(ctx context.Context, v countersign.Visit, w Wish) (Outcome, error) {
	return d.sendWith(ctx, v, attemptID(v.Attempt), w, func(f policy.Facts) (countersign.Factor, error) { return asked(policy.Next(f)) })
}

// asked is the method whose token a step asks for.
func asked(step policy.Step) (countersign.Factor, error) {
	switch step := step.(type) {
	case policy.AskToken:
		return step.Factor, nil
	case policy.AskRecovery:
		return countersign.Factor{}, fail(countersign.Invalid, "token.nothing_to_send", "", nil)
	default:
		return countersign.Factor{}, over()
	}
}

// OtherWay turns to another verified method, and sends a token by it at once if
// it is one that is sent (M22, D-31). The failures so far stay.
func (d *Desk) OtherWay(ctx context.Context, v countersign.Visit, m countersign.Method, w Wish) (Outcome, error) {
	return d.turn(ctx, v, attemptID(v.Attempt), m, w)
}

func (d *Desk) turn(ctx context.Context, v countersign.Visit, id countersign.AttemptID, m countersign.Method, w Wish) (Outcome, error) {
	var out Outcome
	err := d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, a, err := d.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		f, err := d.facts(ctx, tx, v, u, a)
		if err != nil {
			return err
		}
		if a.Setup.Open {
			return over() // the wizard has its own ways
		}
		offered := slices.ContainsFunc(Ways(f), func(w countersign.Factor) bool { return w.Method == m })
		if !offered && (m != countersign.Recovery || f.Codes.Left == 0) {
			return fail(countersign.Invalid, "method.unknown", "method", nil)
		}
		f.Attempt.Method = m
		w.keep(&f.Attempt)
		if step, ok := d.asks(f).(policy.AskToken); ok && step.Issue {
			if err := d.issueOrTell(ctx, tx, v, &f, step.Factor); err != nil {
				return err
			}
		}
		e := record(v, "sign-in.other_way", u)
		e.Method = string(m)
		tx.Record(e)
		out.Step = d.asks(f)
		return tx.SaveAttempt(ctx, f.Attempt)
	})
	d.Wake()
	return out, err
}

// asks is the next step of a sign-in or step-up: both ask for a token by the
// same rule.
func (d *Desk) asks(f policy.Facts) policy.Step {
	if f.Attempt.Purpose == countersign.StepUp {
		return policy.Fresh(f)
	}
	return policy.Next(f)
}

// Ways are the verified methods that may be turned to; email is among them as
// the agency's preference says (M22), unless it is the Default or the only one.
func Ways(f policy.Facts) []countersign.Factor {
	standard := policy.Default(f.Factors)
	var ways []countersign.Factor
	for _, fa := range f.Factors {
		if fa.Method == countersign.Email && fa.ID != standard.ID && !f.Agency.EmailFallback {
			continue
		}
		ways = append(ways, fa)
	}
	return ways
}

// Cancel ends a half sign-in; its token dies with it.
func (d *Desk) Cancel(ctx context.Context, v countersign.Visit) (Outcome, error) {
	err := d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, a, err := d.lock(ctx, tx, attemptID(v.Attempt))
		if countersign.KindOf(err) == countersign.Expired {
			return nil
		}
		if err != nil {
			return err
		}
		if a.Challenge.Message != "" {
			if err := tx.DropToken(ctx, a.Challenge.Message, v.Now); err != nil {
				return err
			}
		}
		tx.Record(record(v, "sign-in.cancelled", u))
		return d.abandon(ctx, tx, v, u, a)
	})
	d.Wake()
	return Outcome{Attempt: cleared}, err
}
