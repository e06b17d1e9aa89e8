package signin

import (
	"context"
	"slices"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// VerifyToken judges the token of a sign-in. decline: this device is not to be remembered.
func (s *Service) VerifyToken(ctx context.Context, v countersign.Visit, typed authn.Typed, decline bool) (authn.Outcome, error) {
	var out authn.Outcome
	if err := s.Authn.WantWizard(ctx, v, false); err != nil {
		return out, err
	}
	err := s.Authn.VerifyTyped(ctx, v, authn.AttemptID(v.Attempt), typed, s.checkAndAdmit(v, s.Authn.CheckToken, decline, &out))
	return out, err
}

// A checker compares an answer with what a method expects, and keeps the proof in the facts.
type checker func(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, fa countersign.Factor, answer string) (bool, error)

// checkAndAdmit compares the answer that a sign-in waits for, and admits.
func (s *Service) checkAndAdmit(v countersign.Visit, prove checker, decline bool, out *authn.Outcome) authn.Check {
	return func(ctx context.Context, tx *store.Tx, f policy.Facts, answer string) (bool, error) {
		step, ok := policy.Next(f).(policy.AskToken)
		if !ok {
			return false, authn.ErrAttemptGone()
		}
		if right, err := prove(ctx, tx, v, &f, step.Factor, answer); !right || err != nil {
			return false, err
		}
		admit, ok := policy.Next(f).(policy.Admit)
		if !ok {
			return false, authn.ErrAttemptGone()
		}
		var err error
		*out, err = s.Authn.Admit(ctx, tx, v, f, admit, decline)
		return err == nil, err
	}
}

// NewToken sends a new token by the same method; the earlier one stops working (M33).
func (s *Service) NewToken(ctx context.Context, v countersign.Visit, w authn.RememberChoice) (authn.Outcome, error) {
	return s.Authn.SendWith(ctx, v, authn.AttemptID(v.Attempt), w, func(f policy.Facts) (countersign.Factor, error) { return askedFactor(policy.Next(f)) })
}

// askedFactor is the method whose token a step asks for.
func askedFactor(step policy.Step) (countersign.Factor, error) {
	switch step := step.(type) {
	case policy.AskToken:
		return step.Factor, nil
	case policy.AskRecovery:
		return countersign.Factor{}, countersign.Problem(countersign.KindInvalid, "token.nothing_to_send", "", nil)
	default:
		return countersign.Factor{}, authn.ErrAttemptGone()
	}
}

// UseOtherMethod turns to another verified method, and sends a token by it at once if
// it is one that is sent (M22). The failures so far stay.
func (s *Service) UseOtherMethod(ctx context.Context, v countersign.Visit, m countersign.Method, w authn.RememberChoice) (authn.Outcome, error) {
	return s.switchMethod(ctx, v, authn.AttemptID(v.Attempt), m, w)
}

func (s *Service) switchMethod(ctx context.Context, v countersign.Visit, id countersign.AttemptID, m countersign.Method, w authn.RememberChoice) (authn.Outcome, error) {
	var out authn.Outcome
	err := s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, a, err := s.Authn.Lock(ctx, tx, id)
		if err != nil {
			return err
		}
		f, err := s.Authn.Facts(ctx, tx, v, u, a)
		if err != nil {
			return err
		}
		if a.Enrollment.Open {
			return authn.ErrAttemptGone() // the wizard has its own ways
		}
		offered := slices.ContainsFunc(authn.OtherMethods(f), func(w countersign.Factor) bool { return w.Method == m })
		if !offered && (m != countersign.MethodRecovery || f.RecoveryCodes.Left == 0) {
			return countersign.Problem(countersign.KindInvalid, "method.unknown", "method", nil)
		}
		f.Attempt.Method = m
		w.Apply(&f.Attempt)
		if step, ok := s.Authn.NextAsk(f).(policy.AskToken); ok && step.Issue {
			if err := s.Authn.IssueOrExplain(ctx, tx, v, &f, step.Factor); err != nil {
				return err
			}
		}
		e := v.Event("sign-in.other_way", u)
		e.Method = string(m)
		tx.Record(e)
		out.Step, out.Message = s.Authn.NextAsk(f), f.Attempt.Challenge.Message
		return tx.SaveAttempt(ctx, f.Attempt)
	})
	s.Authn.Wake()
	return out, err
}

// CancelSignIn ends a half sign-in; its token dies with it.
func (s *Service) CancelSignIn(ctx context.Context, v countersign.Visit) (authn.Outcome, error) {
	err := s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, a, err := s.Authn.Lock(ctx, tx, authn.AttemptID(v.Attempt))
		if countersign.KindOf(err) == countersign.KindGone {
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
		tx.Record(v.Event("sign-in.cancelled", u))
		return s.Authn.EndWithWarning(ctx, tx, v, u, a)
	})
	s.Authn.Wake()
	return authn.Outcome{Attempt: authn.ClearCookie}, err
}
