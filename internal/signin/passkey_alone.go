package signin

import (
	"context"
	"errors"
	"slices"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// PasskeyAlone is what the sign-in page gives to the browser where a passkey
// may be the whole sign-in, as JSON; empty elsewhere. What is to be signed is
// kept for the attempt cookie of the browser.
func (d *Desk) PasskeyAlone(ctx context.Context, v countersign.Visit, p countersign.Preferences) (string, error) {
	if !p.PasskeySignIn || v.Attempt == "" || !slices.Contains(d.kinds(v), countersign.ByPasskey) {
		return "", nil
	}
	nonce, err := d.nonce(ctx, v, attemptID(v.Attempt), countersign.NonceAlone)
	if err != nil {
		return "", err
	}
	return factor.SiteOf(v.Agency).ToProve("", nil, nonce)
}

// SignInPasskey judges a passkey that is the whole sign-in. Whoever is refused
// gets one answer, whatever the reason (EN-01).
func (d *Desk) SignInPasskey(ctx context.Context, v countersign.Visit, answer, then string) (Outcome, error) {
	credential, ok := factor.Credential(answer)
	if !ok || v.Attempt == "" {
		return Outcome{}, fail(countersign.Invalid, "passkey.unused", "credential", nil)
	}
	var out Outcome
	var verdict error
	err := d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		out, verdict = Outcome{}, nil // the transaction may run again
		c, err := d.takeAlone(ctx, tx, v)
		if err != nil {
			return err
		}
		if !v.Now.Before(c.Expires) {
			verdict = fail(countersign.Invalid, "passkey.late", "credential", nil)
			return nil
		}
		u, err := d.owner(ctx, tx, credential)
		if err != nil {
			return err
		}
		if out, err = d.alone(ctx, tx, v, u, c, answer, then); !isRefusal(err) {
			return err
		}
		tx.Record(method(refused(v, "sign-in.passkey", u, countersign.CodeOf(err)), countersign.ByPasskey, ""))
		verdict = fail(countersign.Invalid, "passkey.refused", "credential", nil)
		return nil
	})
	d.Wake()
	if err != nil {
		return Outcome{}, err
	}
	return out, verdict
}

// takeAlone uses up what the browser was asked to sign, before anything is
// compared: of two answers at once only one is judged.
func (d *Desk) takeAlone(ctx context.Context, tx *store.Tx, v countersign.Visit) (c countersign.Challenge, err error) {
	c = countersign.Challenge{Method: countersign.ByPasskey, Alone: true}
	c.Nonce, c.Expires, err = tx.TakeNonce(ctx, attemptID(v.Attempt), countersign.NonceAlone)
	return c, err
}

// owner is the user of a credential, locked; the zero User if nobody has it here.
func (d *Desk) owner(ctx context.Context, tx *store.Tx, credential []byte) (countersign.User, error) {
	id, err := tx.PasskeyOwner(ctx, credential)
	if err != nil || id == "" {
		return countersign.User{}, err
	}
	return tx.LockUser(ctx, id)
}

// alone lays what the passkey proves before the one rule of all sign-ins, and
// does what it says.
func (d *Desk) alone(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, c countersign.Challenge, answer, then string) (Outcome, error) {
	a := countersign.Attempt{
		ID:      attemptID(v.Attempt),
		User:    u.ID,
		Purpose: countersign.SignIn,
		Client:  v.Client,
		Then:    then,
		Started: v.Now,
		Expires: v.Now.Add(policy.AttemptLife),
	}
	f, err := d.facts(ctx, tx, v, u, a)
	if err != nil {
		return Outcome{}, err
	}
	i := slices.IndexFunc(f.Factors, func(fa countersign.Factor) bool { return fa.Method == countersign.ByPasskey })
	if i < 0 {
		return Outcome{}, wrongPasskey(factor.ErrUnknown)
	}
	if err := d.checkPasskey(ctx, tx, v, u, f.Factors[i], c, answer); err != nil {
		return Outcome{}, wrongPasskey(err)
	}
	f.Attempt.Proved, f.Attempt.Alone = countersign.ByPasskey, true
	step := policy.Next(f)
	admit, ok := step.(policy.Admit)
	if !ok {
		return Outcome{}, notAlone(step)
	}
	return d.admit(ctx, tx, v, f, admit, f.Declined())
}

// notAlone says, for the audit log, why a passkey that is right did not admit.
func notAlone(step policy.Step) error {
	if refused, ok := step.(policy.Refuse); ok {
		return fail(countersign.Invalid, refused.Reason, "", nil)
	}
	return fail(countersign.Invalid, "passkey.not_alone", "", nil)
}

// isRefusal tells whether err is about the answer that was judged, and is kept as a fact.
func isRefusal(err error) bool {
	var e *countersign.Error
	return errors.As(err, &e) && e.Kind == countersign.Invalid
}
