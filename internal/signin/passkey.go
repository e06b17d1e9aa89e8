package signin

import (
	"context"
	"errors"
	"time"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/notice"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// PasskeyToProve is what a page gives to the browser so that it asks for one of
// the user's passkeys, as JSON; empty where another method is asked for.
func (d *Desk) PasskeyToProve(ctx context.Context, v countersign.Visit, view View) (string, error) {
	step, ok := view.Step.(policy.AskToken)
	if !ok || step.Factor.Method != countersign.ByPasskey {
		return "", nil
	}
	nonce, err := d.nonce(ctx, v, view.Attempt.ID, countersign.NonceProve)
	if err != nil {
		return "", err
	}
	return factor.SiteOf(v.Agency).ToProve(view.User.ID, step.Factor.Passkeys, nonce)
}

// nonce is what is to be signed for a page that is being shown: the one that is
// kept, while most of its life is left, so that a reload disturbs no other
// window; otherwise a new one.
func (d *Desk) nonce(ctx context.Context, v countersign.Visit, id countersign.AttemptID, p countersign.NoncePurpose) ([]byte, error) {
	var nonce []byte
	err := d.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		kept, expires, err := tx.Nonce(ctx, id, p)
		if v.Now.Add(policy.NonceLife / 2).Before(expires) {
			nonce = kept
		}
		return err
	})
	if err != nil || nonce != nil {
		return nonce, err
	}
	nonce = secret.Nonce()
	return nonce, d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		return tx.PutNonce(ctx, id, p, nonce, v.Now.Add(policy.NonceLife))
	})
}

// Passkey judges the answer of a passkey as the second factor of a sign-in.
// decline: this device is not to be remembered.
func (d *Desk) Passkey(ctx context.Context, v countersign.Visit, answer string, decline bool) (Outcome, error) {
	var out Outcome
	if err := d.standsIn(ctx, v, false); err != nil {
		return out, err
	}
	err := d.judgePasskey(ctx, v, attemptID(v.Attempt), answer, countersign.NonceProve, factor.IsPasskeyAnswer,
		d.admitting(v, d.provePasskey, decline, &out))
	return out, err
}

// StepUpPasskey judges the answer of a passkey for a step-up and returns the
// act that goes on.
func (d *Desk) StepUpPasskey(ctx context.Context, v countersign.Visit, answer string) (Outcome, *countersign.Act, error) {
	var out Outcome
	a, err := d.stepUp(ctx, v)
	if err != nil {
		return out, nil, err
	}
	err = d.judgePasskey(ctx, v, a.ID, answer, countersign.NonceProve, factor.IsPasskeyAnswer, d.steppingUp(v, d.provePasskey, &out))
	return out, a.Act, err
}

// judgePasskey is judge for what the browser sent: no answer at all, or one
// that comes too late, is a prompt that failed and costs no try (D-18).
func (d *Desk) judgePasskey(ctx context.Context, v countersign.Visit, id countersign.AttemptID, answer string, p countersign.NoncePurpose,
	isAnswer func(string) bool, compare comparison) error {
	if !isAnswer(answer) {
		return d.prompted(ctx, v, id, "passkey.cancelled")
	}
	var expires time.Time
	err := d.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) (err error) {
		_, expires, err = tx.Nonce(ctx, id, p)
		return err
	})
	switch {
	case err != nil:
		return err
	case p == countersign.NonceMake && expires.IsZero():
		return errElsewhere // made already, by a first click
	case !v.Now.Before(expires):
		return d.prompted(ctx, v, id, "passkey.late")
	}
	return d.guess(ctx, v, id, countersign.ByPasskey, func(ctx context.Context, tx *store.Tx, f policy.Facts) (bool, error) {
		return compare(ctx, tx, f, answer)
	})
}

// prompted counts a prompt that was cancelled or failed: no try, but not
// without end either.
func (d *Desk) prompted(ctx context.Context, v countersign.Visit, id countersign.AttemptID, code string) error {
	counted := false
	err := d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, a, err := d.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		a.Prompts++
		if counted = a.Prompts <= policy.MaxPrompts && v.Now.Before(a.Expires); counted {
			return tx.SaveAttempt(ctx, a)
		}
		return d.abandon(ctx, tx, v, u, a)
	})
	if err != nil {
		return err
	}
	if !counted {
		return over()
	}
	return fail(countersign.Invalid, code, "credential", nil)
}

// provePasskey is prove for the answer of a passkey. The nonce is used up by
// it, right or wrong.
func (d *Desk) provePasskey(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, fa countersign.Factor, answer string) (bool, error) {
	if fa.Method != countersign.ByPasskey {
		return false, wrongPasskey(factor.ErrWrong)
	}
	c := countersign.Challenge{Method: fa.Method, Factor: fa.ID}
	var err error
	if c.Nonce, c.Expires, err = tx.TakeNonce(ctx, f.Attempt.ID, countersign.NonceProve); err != nil {
		return false, err
	}
	if err := d.checkPasskey(ctx, tx, v, f.User, fa, c, answer); err != nil {
		return false, wrongPasskey(err)
	}
	f.Attempt.Proved, f.Attempt.Challenge = countersign.ByPasskey, countersign.Challenge{}
	return true, nil
}

// checkPasskey compares an answer with the passkeys of fa and keeps what it
// says. A counter that went back is told to everybody concerned (PK-02).
func (d *Desk) checkPasskey(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, fa countersign.Factor, c countersign.Challenge, answer string) error {
	after, err := d.Methods.Of(countersign.ByPasskey).Check(fa, c, factor.Binding{Site: factor.SiteOf(v.Agency)}, answer, v.Now)
	if errors.Is(err, factor.ErrCloned) {
		if failed := d.copied(ctx, tx, v, u, after.Passkeys[0]); failed != nil {
			return failed
		}
	}
	if err != nil {
		return err
	}
	if _, err := tx.UsePasskey(ctx, after.Passkeys[0], v.Now); err != nil {
		return err
	}
	_, err = tx.UseFactor(ctx, after, v.Now)
	return err
}

// copied tells the user and every administrator that a passkey may have been copied.
func (d *Desk) copied(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, p countersign.Passkey) error {
	tx.Record(method(refused(v, "passkey.copied", u, "passkey.copied"), countersign.ByPasskey, p.Name))
	data := map[string]string{"Passkey": p.Name}
	if err := notice.Tell(ctx, tx, v, u, countersign.KindPasskeyCopied, data); err != nil {
		return err
	}
	return notice.Administrators(ctx, tx, v, countersign.KindPasskeyCopied, map[string]string{"Passkey": p.Name, "Of": u.Login})
}

// wrongPasskey names what is wrong with an answer, as far as that helps its
// owner; an error that is not the answer's stays what it is.
func wrongPasskey(err error) error {
	for _, known := range []struct {
		err  error
		code string
	}{
		{factor.ErrCloned, "passkey.copied"},
		{factor.ErrUnknown, "passkey.unknown"},
		{factor.ErrUnverified, "passkey.unverified"},
		{factor.ErrLate, "passkey.over"},
		{factor.ErrWrong, "passkey.wrong"},
	} {
		if errors.Is(err, known.err) {
			return fail(countersign.Invalid, known.code, "credential", countersign.Args{})
		}
	}
	return err
}
