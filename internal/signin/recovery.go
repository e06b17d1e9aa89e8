package signin

import (
	"context"
	"strconv"

	"countersign"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// VerifyRecoveryCode judges a recovery code in a sign-in: one of the same three tries. It
// earns no trust for the device (RC-01).
func (s *Service) VerifyRecoveryCode(ctx context.Context, v countersign.Visit, typed string) (Outcome, error) {
	var out Outcome
	if err := s.wantWizard(ctx, v, false); err != nil {
		return out, err
	}
	err := s.verifyCode(ctx, v, attemptID(v.Attempt), typed, func(ctx context.Context, tx *store.Tx, f policy.Facts, code string) (bool, error) {
		if right, err := s.useRecoveryCode(ctx, tx, v, &f, code); !right || err != nil {
			return false, err
		}
		admit, ok := policy.Next(f).(policy.Admit)
		if !ok {
			return false, errAttemptGone()
		}
		var err error
		out, err = s.admit(ctx, tx, v, f, admit, false)
		return err == nil, err
	})
	return out, err
}

// VerifyStepUpRecoveryCode judges a recovery code in a step-up and returns the act that goes on.
func (s *Service) VerifyStepUpRecoveryCode(ctx context.Context, v countersign.Visit, typed string) (Outcome, *countersign.PendingRequest, error) {
	var out Outcome
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
	compare check) error {
	code, ok := secret.ReadCode(typed, secret.RecoveryLength)
	if !ok {
		return s.rejectInput(ctx, v, id, problem(countersign.KindInvalid, "recovery.form", "recovery_code", nil))
	}
	return s.verify(ctx, v, id, countersign.MethodRecovery, func(ctx context.Context, tx *store.Tx, f policy.Facts) (bool, error) {
		return compare(ctx, tx, f, code)
	})
}

// useRecoveryCode uses up a code and keeps the proof in the facts. It is taken wherever a
// token would be: the user need not have turned to his codes first.
func (s *Service) useRecoveryCode(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, code string) (bool, error) {
	switch s.nextAsk(*f).(type) {
	case policy.AskToken, policy.AskRecovery:
	default:
		return false, errAttemptGone()
	}
	used, err := tx.UseRecoveryCode(ctx, f.User.ID, s.recoveryDigest(tx, f.User.ID, code), v.Now)
	if err != nil {
		return false, err
	}
	if !used {
		return false, problem(countersign.KindInvalid, "recovery.wrong", "recovery_code", countersign.Args{})
	}
	if c := f.Attempt.Challenge; c.Message != "" {
		if err := tx.DropToken(ctx, c.Message, v.Now); err != nil {
			return false, err
		}
	}
	if err := s.endOtherAttempts(ctx, tx, v, f.User, f.Attempt.ID); err != nil {
		return false, err
	}
	f.RecoveryCodes.Left--
	f.Attempt.Proved, f.Attempt.Challenge = countersign.MethodRecovery, countersign.Challenge{}
	e := newEvent(v, "recovery.used", f.User)
	e.Method, e.Detail = string(countersign.MethodRecovery), map[string]string{"left": strconv.Itoa(f.RecoveryCodes.Left)}
	tx.Record(e)
	data := map[string]string{"Left": strconv.Itoa(f.RecoveryCodes.Left), "All": strconv.Itoa(f.RecoveryCodes.All)}
	return true, notify.Send(ctx, tx, v, f.User, countersign.MessageRecoveryUsed, data)
}

// recoveryDigest is all that is kept of a recovery code.
func (s *Service) recoveryDigest(tx *store.Tx, u countersign.UserID, code string) string {
	return s.Key.CodeDigest("recovery", tx.Agency(), u, code)
}

// recoverySetSize is how many codes a set has (0.3).
const recoverySetSize = 8

// MakeRecoveryCodes replaces the guest's codes by a new set and returns it, this
// once and never again. instead is when the set was made that the new one
// replaces, as the page showed it (SetOf); AnySet: whatever is there.
func (s *Service) MakeRecoveryCodes(ctx context.Context, v countersign.Visit, g Principal, instead int64) (codes []string, err error) {
	for range recoverySetSize {
		codes = append(codes, secret.Code(secret.RecoveryLength))
	}
	err = s.withUser(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		if !u.Enrolled {
			return problem(countersign.KindDenied, "recovery.no_method", "", nil)
		}
		had, err := tx.RecoveryCodes(ctx, u.ID)
		if err != nil {
			return err
		}
		if instead != AnySet && instead != SetOf(had) {
			return problem(countersign.KindConflict, "recovery.made_already", "", nil)
		}
		digests := make([]string, len(codes))
		for i, code := range codes {
			digests[i] = s.recoveryDigest(tx, u.ID, code)
		}
		if err := tx.ReplaceRecoveryCodes(ctx, u.ID, digests, v.Now); err != nil {
			return err
		}
		if err := noteChange(ctx, tx, v, g.Session.ID, store.SessionChange{Kind: store.ChangeCodes}); err != nil {
			return err
		}
		e := newEvent(v, "recovery.made", u)
		e.Method, e.Detail = string(countersign.MethodRecovery), map[string]string{"codes": strconv.Itoa(recoverySetSize)}
		tx.Record(e)
		return notify.Send(ctx, tx, v, u, countersign.MessageRecoveryMade, map[string]string{"All": strconv.Itoa(recoverySetSize)})
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// AnySet stands for whatever set of recovery codes there is.
const AnySet = -1

// SetOf names a set of recovery codes by when it was made; 0: there is none. A
// page that is sent again can't replace the set that it has just made.
func SetOf(c countersign.RecoveryCodes) int64 {
	if c.All == 0 {
		return 0
	}
	return c.Made.UnixMilli()
}
