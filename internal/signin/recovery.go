package signin

import (
	"context"
	"strconv"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// VerifyRecoveryCode judges a recovery code in a sign-in: one of the same three tries. It
// earns no trust for the device (RC-01).
func (s *Service) VerifyRecoveryCode(ctx context.Context, v countersign.Visit, typed string) (authn.Outcome, error) {
	var out authn.Outcome
	if err := s.Authn.WantWizard(ctx, v, false); err != nil {
		return out, err
	}
	err := s.verifyCode(ctx, v, authn.AttemptID(v.Attempt), typed, func(ctx context.Context, tx *store.Tx, f policy.Facts, code string) (bool, error) {
		if right, err := s.useRecoveryCode(ctx, tx, v, &f, code); !right || err != nil {
			return false, err
		}
		admit, ok := policy.Next(f).(policy.Admit)
		if !ok {
			return false, authn.ErrAttemptGone()
		}
		var err error
		out, err = s.Authn.Admit(ctx, tx, v, f, admit, false)
		return err == nil, err
	})
	return out, err
}

// VerifyStepUpRecoveryCode judges a recovery code in a step-up and returns the act that goes on.
func (s *Service) VerifyStepUpRecoveryCode(ctx context.Context, v countersign.Visit, typed string) (authn.Outcome, *countersign.PendingRequest, error) {
	var out authn.Outcome
	a, err := s.stepUp(ctx, v)
	if err != nil {
		return out, nil, err
	}
	err = s.verifyCode(ctx, v, a.ID, typed, func(ctx context.Context, tx *store.Tx, f policy.Facts, code string) (bool, error) {
		if right, err := s.useRecoveryCode(ctx, tx, v, &f, code); !right || err != nil {
			return false, err
		}
		var err error
		out, err = s.steppedUp(ctx, tx, v, f)
		return err == nil, err
	})
	return out, a.Pending, err
}

// verifyCode is judge for recovery codes: what can't be one costs no try.
func (s *Service) verifyCode(ctx context.Context, v countersign.Visit, id countersign.AttemptID, typed string,
	compare authn.Check) error {
	code, ok := secret.ReadCode(typed, secret.RecoveryLength)
	if !ok {
		return s.Authn.RejectInput(ctx, v, id, countersign.Problem(countersign.KindInvalid, "recovery.form", "recovery_code", nil))
	}
	return s.Authn.Verify(ctx, v, id, countersign.MethodRecovery, func(ctx context.Context, tx *store.Tx, f policy.Facts) (bool, error) {
		return compare(ctx, tx, f, code)
	})
}

// useRecoveryCode uses up a code and keeps the proof in the facts. It is taken wherever a
// token would be: the user need not have switched to recovery codes first.
func (s *Service) useRecoveryCode(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, code string) (bool, error) {
	switch s.Authn.NextAsk(*f).(type) {
	case policy.AskToken, policy.AskRecovery:
	default:
		return false, authn.ErrAttemptGone()
	}
	used, err := tx.UseRecoveryCode(ctx, f.User.ID, s.Authn.RecoveryDigest(tx, f.User.ID, code), v.Now)
	if err != nil {
		return false, err
	}
	if !used {
		return false, countersign.Problem(countersign.KindInvalid, "recovery.wrong", "recovery_code", countersign.Args{})
	}
	if c := f.Attempt.Challenge; c.Message != "" {
		if err := tx.DropToken(ctx, c.Message, v.Now); err != nil {
			return false, err
		}
	}
	if err := s.Authn.EndOtherAttempts(ctx, tx, v, f.User, f.Attempt.ID); err != nil {
		return false, err
	}
	f.RecoveryCodes.Left--
	f.Attempt.Proved, f.Attempt.Challenge = countersign.MethodRecovery, countersign.Challenge{}
	e := v.Event("recovery.used", f.User)
	e.Method, e.Detail = string(countersign.MethodRecovery), map[string]string{"left": strconv.Itoa(f.RecoveryCodes.Left)}
	tx.Record(e)
	data := map[string]string{"Left": strconv.Itoa(f.RecoveryCodes.Left), "All": strconv.Itoa(f.RecoveryCodes.All)}
	return true, notify.Send(ctx, tx, v, f.User, countersign.MessageRecoveryUsed, data)
}
