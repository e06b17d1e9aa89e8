package signin

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// Typed is a token as a page sent it.
type Typed struct {
	Token string
	Asked countersign.Method // what the page asked for; empty: it does not say
}

// Token judges the token of a sign-in. decline: this device is not to be remembered.
func (d *Desk) Token(ctx context.Context, v countersign.Visit, typed Typed, decline bool) (Outcome, error) {
	var out Outcome
	if err := d.standsIn(ctx, v, false); err != nil {
		return out, err
	}
	err := d.judge(ctx, v, attemptID(v.Attempt), typed, d.admitting(v, d.prove, decline, &out))
	return out, err
}

// A prover compares an answer with what a method expects, and keeps the proof in the facts.
type prover func(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, fa countersign.Factor, answer string) (bool, error)

// admitting compares the answer that a sign-in waits for, and admits.
func (d *Desk) admitting(v countersign.Visit, prove prover, decline bool, out *Outcome) comparison {
	return func(ctx context.Context, tx *store.Tx, f policy.Facts, answer string) (bool, error) {
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
	if errors.Is(err, factor.ErrOtherMinute) && fa.ID != "" {
		if failed := spendStep(ctx, tx, v, after); failed != nil {
			return false, failed
		}
	}
	if err == nil && fa.Method == countersign.App && v.Now.Before(f.Tokens.Lanes[stepLane(after)].Until) {
		err = factor.ErrUsed
	}
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
	case d.older(a, fa, in, token, v):
		code = olderToken
		if !c.Live(v.Now) {
			code = lateToken
		}
	case errors.Is(err, factor.ErrUsed):
		code = "token.used"
	case errors.Is(err, factor.ErrOtherMinute):
		code = "app.clock"
	case d.keyOver(a, fa, in, token, v):
		code = "app.key_over"
	case fa.Method != countersign.App && !c.Issued.IsZero() && !c.Live(v.Now):
		code = "token.expired"
	}
	return fail(countersign.Invalid, code, "token", args)
}

// Codes of a token that was right a while ago: it was replaced, or it is too late.
// It proves nothing, and costs no try.
const (
	olderToken = "token.older"
	lateToken  = "token.late"
)

// older reports whether a token is one that this attempt has sent: replaced since, or
// expired.
func (d *Desk) older(a countersign.Attempt, fa countersign.Factor, in factor.Binding, token string, v countersign.Visit) bool {
	c := a.Challenge
	expired := countersign.Earlier{Digest: c.Digest, Method: c.Method, Address: c.Address}
	if !c.Issued.IsZero() && !c.Live(v.Now) && factor.Was(d.Key, fa, expired, in, token) {
		return true
	}
	return slices.ContainsFunc(a.Earlier, func(e countersign.Earlier) bool { return factor.Was(d.Key, fa, e, in, token) })
}

// stepLane names the step of an app's token that was told to be of another minute.
func stepLane(fa countersign.Factor) countersign.Lane {
	return countersign.Lane("app-step-" + strconv.FormatInt(fa.State, 10))
}

// spendStep uses up a token that came before its time: the page says that it belongs
// to another minute, so nobody may wait for that minute to come.
func spendStep(ctx context.Context, tx *store.Tx, v countersign.Visit, fa countersign.Factor) error {
	until := factor.StepEnds(fa.State)
	if !v.Now.Before(until) {
		return nil
	}
	_, err := tx.Once(ctx, string(fa.User), string(stepLane(fa)), v.Now, until)
	return err
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
		out.Step, out.Message = d.asks(f), f.Attempt.Challenge.Message
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
