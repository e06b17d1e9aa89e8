package authn

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

// WantWizard refuses what was sent to the wizard by an attempt outside of it, or
// the other way round, before it costs a try (SE-02); and what needs a step-up first.
func (s *Service) WantWizard(ctx context.Context, v countersign.Visit, wizard bool) error {
	return s.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		a, err := tx.Attempt(ctx, AttemptID(v.Attempt))
		if err != nil {
			return OrGone(err)
		}
		if a.Enrollment.Open != wizard {
			return ErrAttemptGone()
		}
		return s.WizardRecent(ctx, tx, v, a)
	})
}

// CheckToken compares the token with what method fa expects and keeps the proof in
// the facts. What is wrong with it comes back as an error for people.
func (s *Service) CheckToken(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, fa countersign.Factor, token string) (bool, error) {
	m := s.Methods.Of(fa.Method)
	if m == nil {
		return false, ErrAttemptGone()
	}
	c := f.Attempt.Challenge
	binding := s.binding(v, f.Attempt)
	after, err := m.Check(fa, c, binding, token, v.Now)
	if errors.Is(err, factor.ErrOtherMinute) && fa.ID != "" {
		if failed := spendStep(ctx, tx, v, after); failed != nil {
			return false, failed
		}
	}
	if err == nil && fa.Method == countersign.MethodApp && v.Now.Before(f.TokenLimits.Limits[appStepLimit(after)].Until) {
		err = factor.ErrUsed
	}
	if err != nil {
		return false, s.explainWrong(err, f.Attempt, fa, binding, token, v)
	}
	f.Attempt.Enrollment.Step = after.State
	if fa.ID != "" {
		won, err := tx.UseFactor(ctx, after, v.Now)
		if err != nil {
			return false, err
		}
		if !won {
			return false, s.explainWrong(factor.ErrUsed, f.Attempt, fa, binding, token, v)
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

// explainWrong returns what is wrong with a token, as far as that helps its owner
// and not an attacker.
func (s *Service) explainWrong(err error, a countersign.Attempt, fa countersign.Factor, in factor.Binding, token string, v countersign.Visit) error {
	c := a.Challenge
	args := countersign.Args{"Reference": c.Reference, "Until": c.Expires}
	code := "token.wrong"
	switch {
	case s.older(a, fa, in, token, v):
		code = olderToken
		if !c.Live(v.Now) {
			code = lateToken
		}
	case errors.Is(err, factor.ErrUsed):
		code = "token.used"
	case errors.Is(err, factor.ErrOtherMinute):
		code = "app.clock"
	case s.keyOver(a, fa, in, token, v):
		code = "app.key_over"
	case fa.Method != countersign.MethodApp && !c.Issued.IsZero() && !c.Live(v.Now):
		code = "token.expired"
	}
	return countersign.Problem(countersign.KindInvalid, code, "token", args)
}

// Codes of a token that was right a while ago: it was replaced, or it is too late.
// It proves nothing, and costs no try.
const (
	olderToken = "token.older"
	lateToken  = "token.late"
)

// older reports whether a token is one that this attempt has sent: replaced since, or
// expired.
func (s *Service) older(a countersign.Attempt, fa countersign.Factor, in factor.Binding, token string, v countersign.Visit) bool {
	c := a.Challenge
	expired := countersign.SupersededToken{Digest: c.Digest, Method: c.Method, Address: c.Address}
	if !c.Issued.IsZero() && !c.Live(v.Now) && factor.Was(s.Key, fa, expired, in, token) {
		return true
	}
	return slices.ContainsFunc(a.Superseded, func(e countersign.SupersededToken) bool { return factor.Was(s.Key, fa, e, in, token) })
}

// appStepLimit names the step of an app's token that was told to be of another minute.
func appStepLimit(fa countersign.Factor) countersign.LimitKey {
	return countersign.LimitKey("app-step-" + strconv.FormatInt(fa.State, 10))
}

// spendStep uses up a token that came too early: the page says that it belongs to
// another minute, and it must not work when that minute comes.
func spendStep(ctx context.Context, tx *store.Tx, v countersign.Visit, fa countersign.Factor) error {
	until := factor.StepEnds(fa.State)
	if !v.Now.Before(until) {
		return nil
	}
	_, err := tx.FirstUntil(ctx, string(fa.User), string(appStepLimit(fa)), v.Now, until)
	return err
}

func (s *Service) binding(v countersign.Visit, a countersign.Attempt) factor.Binding {
	return factor.Binding{
		Agency:     v.Agency.ID,
		User:       a.User,
		Attempt:    a.ID,
		Purpose:    a.Purpose,
		Enrollment: a.Enrollment.Open,
	}
}

// NextAsk is the next step of a sign-in or step-up: both ask for a token by the
// same rule.
func (s *Service) NextAsk(f policy.Facts) policy.Step {
	if f.Attempt.Purpose == countersign.PurposeStepUp {
		return policy.NextStepUp(f)
	}
	return policy.Next(f)
}

// OtherMethods are the verified methods that may be turned to; email is among them as
// the agency's preference says (M22), unless it is the Default or the only one.
func OtherMethods(f policy.Facts) []countersign.Factor {
	standard := policy.Default(f.Factors)
	var ways []countersign.Factor
	for _, fa := range f.Factors {
		if fa.Method == countersign.MethodEmail && fa.ID != standard.ID && !f.Agency.EmailFallback {
			continue
		}
		ways = append(ways, fa)
	}
	return ways
}
