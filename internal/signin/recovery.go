package signin

import (
	"context"
	"strconv"

	"countersign"
	"countersign/internal/notice"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// Recovery judges a recovery code in a sign-in: one of the same three tries. It
// earns no trust for the device (RC-01).
func (d *Desk) Recovery(ctx context.Context, v countersign.Visit, typed string) (Outcome, error) {
	var out Outcome
	if err := d.standsIn(ctx, v, false); err != nil {
		return out, err
	}
	err := d.code(ctx, v, attemptID(v.Attempt), typed, func(ctx context.Context, tx *store.Tx, f policy.Facts, code string) (bool, error) {
		if right, err := d.spend(ctx, tx, v, &f, code); !right || err != nil {
			return false, err
		}
		admit, ok := policy.Next(f).(policy.Admit)
		if !ok {
			return false, over()
		}
		var err error
		out, err = d.admit(ctx, tx, v, f, admit, false)
		return err == nil, err
	})
	return out, err
}

// StepUpRecovery judges a recovery code in a step-up and returns the act that goes on.
func (d *Desk) StepUpRecovery(ctx context.Context, v countersign.Visit, typed string) (Outcome, *countersign.Act, error) {
	var out Outcome
	a, err := d.stepUp(ctx, v)
	if err != nil {
		return out, nil, err
	}
	err = d.code(ctx, v, a.ID, typed, func(ctx context.Context, tx *store.Tx, f policy.Facts, code string) (bool, error) {
		if right, err := d.spend(ctx, tx, v, &f, code); !right || err != nil {
			return false, err
		}
		var err error
		out, err = d.steppedUp(ctx, tx, v, f)
		return err == nil, err
	})
	return out, a.Act, err
}

// code is judge for recovery codes: what can't be one costs no try.
func (d *Desk) code(ctx context.Context, v countersign.Visit, id countersign.AttemptID, typed string,
	compare comparison) error {
	code, ok := secret.ReadCode(typed, secret.RecoveryLength)
	if !ok {
		return d.hint(ctx, v, id, fail(countersign.Invalid, "recovery.form", "recovery_code", nil))
	}
	return d.guess(ctx, v, id, countersign.Recovery, func(ctx context.Context, tx *store.Tx, f policy.Facts) (bool, error) {
		return compare(ctx, tx, f, code)
	})
}

// spend uses up a code and keeps the proof in the facts. It is taken wherever a
// token would be: the user need not have turned to his codes first.
func (d *Desk) spend(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, code string) (bool, error) {
	switch d.asks(*f).(type) {
	case policy.AskToken, policy.AskRecovery:
	default:
		return false, over()
	}
	used, err := tx.UseRecoveryCode(ctx, f.User.ID, d.recoveryDigest(tx, f.User.ID, code), v.Now)
	if err != nil {
		return false, err
	}
	if !used {
		return false, fail(countersign.Invalid, "recovery.wrong", "recovery_code", countersign.Args{})
	}
	if c := f.Attempt.Challenge; c.Message != "" {
		if err := tx.DropToken(ctx, c.Message, v.Now); err != nil {
			return false, err
		}
	}
	if err := d.endOthers(ctx, tx, v, f.User, f.Attempt.ID); err != nil {
		return false, err
	}
	f.Codes.Left--
	f.Attempt.Proved, f.Attempt.Challenge = countersign.Recovery, countersign.Challenge{}
	e := record(v, "recovery.used", f.User)
	e.Method, e.Detail = string(countersign.Recovery), map[string]string{"left": strconv.Itoa(f.Codes.Left)}
	tx.Record(e)
	data := map[string]string{"Left": strconv.Itoa(f.Codes.Left), "All": strconv.Itoa(f.Codes.All)}
	return true, notice.Tell(ctx, tx, v, f.User, countersign.KindRecoveryUsed, data)
}

// recoveryDigest is all that is kept of a recovery code.
func (d *Desk) recoveryDigest(tx *store.Tx, u countersign.UserID, code string) string {
	return d.Key.CodeDigest("recovery", tx.Agency(), u, code)
}

// setSize is how many codes a set has (0.3).
const setSize = 8

// MakeRecoveryCodes replaces the guest's codes by a new set and returns it, this
// once and never again. instead is when the set was made that the new one
// replaces, as the page showed it (SetOf); AnySet: whatever is there.
func (d *Desk) MakeRecoveryCodes(ctx context.Context, v countersign.Visit, g Guest, instead int64) (codes []string, err error) {
	for range setSize {
		codes = append(codes, secret.Code(secret.RecoveryLength))
	}
	err = d.own(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		if !u.Enrolled {
			return fail(countersign.Denied, "recovery.no_method", "", nil)
		}
		had, err := tx.RecoveryCodes(ctx, u.ID)
		if err != nil {
			return err
		}
		if instead != AnySet && instead != SetOf(had) {
			return fail(countersign.Exists, "recovery.made_already", "", nil)
		}
		digests := make([]string, len(codes))
		for i, code := range codes {
			digests[i] = d.recoveryDigest(tx, u.ID, code)
		}
		if err := tx.ReplaceRecoveryCodes(ctx, u.ID, digests, v.Now); err != nil {
			return err
		}
		if err := noteChange(ctx, tx, v, g.Session.ID, store.SessionChange{Kind: store.ChangeCodes}); err != nil {
			return err
		}
		e := record(v, "recovery.made", u)
		e.Method, e.Detail = string(countersign.Recovery), map[string]string{"codes": strconv.Itoa(setSize)}
		tx.Record(e)
		return notice.Tell(ctx, tx, v, u, countersign.KindRecoveryMade, map[string]string{"All": strconv.Itoa(setSize)})
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
