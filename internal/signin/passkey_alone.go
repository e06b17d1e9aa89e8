package signin

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// PasskeyAlone is what the sign-in page gives to the browser where a passkey
// may be the whole sign-in, as JSON; empty elsewhere. What is to be signed is
// bound to the attempt cookie of the browser and kept nowhere: anybody may open
// this page as often as he likes, and fills no database with it (V40).
func (d *Desk) PasskeyAlone(v countersign.Visit, p countersign.Preferences) (string, error) {
	if !p.PasskeySignIn || v.Attempt == "" || !slices.Contains(d.kinds(v), countersign.ByPasskey) {
		return "", nil
	}
	return factor.SiteOf(v.Agency).ToProve("", nil, d.Key.DatedNonce(v.Now.Add(policy.NonceLife), aloneIn(v)...))
}

// aloneIn is what the nonce of the sign-in page is bound to.
func aloneIn(v countersign.Visit) []string {
	return []string{"alone", string(v.Agency.ID), string(attemptID(v.Attempt))}
}

// asksAlone is the question that an answer says it answers. One that this browser was
// never asked has no nonce and no end, so that Check refuses its answer.
func (d *Desk) asksAlone(v countersign.Visit, answer string) countersign.Challenge {
	c := countersign.Challenge{Method: countersign.ByPasskey, Alone: true}
	nonce := factor.NonceOf(answer)
	if until, ok := d.Key.NonceDate(nonce, aloneIn(v)...); ok {
		c.Nonce, c.Expires = nonce, until
	}
	return c
}

// SignInPasskey judges a passkey that is the whole sign-in. Whoever is refused
// gets one answer, whatever the reason (EN-01). Each answer is paid for like a
// password before it is compared (TH-04, 0.1 rule 4). One that comes too late costs
// nothing, and leaves no row.
func (d *Desk) SignInPasskey(ctx context.Context, v countersign.Visit, answer, then string) (Outcome, error) {
	credential, ok := factor.Credential(answer)
	if !ok || v.Attempt == "" {
		return Outcome{}, fail(countersign.Invalid, "passkey.unused", "credential", nil)
	}
	c := d.asksAlone(v, answer)
	if len(c.Nonce) > 0 && !v.Now.Before(c.Expires) {
		return Outcome{}, fail(countersign.Invalid, "passkey.late", "credential", nil)
	}
	client := ctx
	ctx, cancel, err := untilSettled(client)
	if err != nil {
		return Outcome{}, err
	}
	defer cancel()
	g, err := d.payPasskey(ctx, v, credential)
	if err != nil {
		return Outcome{}, err
	}
	var out Outcome
	var verdict error
	err = d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		out, verdict = Outcome{}, nil // the transaction may run again
		u, err := d.owner(ctx, tx, credential)
		if err != nil {
			return err
		}
		if out, err = d.alone(ctx, tx, v, u, c, answer, then); err == nil {
			if client.Err() != nil {
				return errHungUp
			}
			return d.rightGuess(ctx, tx, g)
		}
		verdict, err = d.refuseAlone(ctx, tx, v, u, g, err)
		return err
	})
	if errors.Is(err, errHungUp) {
		return Outcome{}, d.returnGuess(ctx, v, g, client.Err())
	}
	if notJudged(err) {
		return Outcome{}, d.returnGuess(ctx, v, g, err)
	}
	d.Wake()
	if err != nil {
		return Outcome{}, err
	}
	return out, verdict
}

// refuseAlone settles an answer that was refused, as a guess, and says so in the one
// sentence for all; an error that is not about the answer stays what it is.
func (d *Desk) refuseAlone(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, g countersign.Guess, why error) (verdict, err error) {
	if !isRefusal(why) {
		return nil, why
	}
	tx.Record(method(refused(v, "sign-in.passkey", u, countersign.CodeOf(why)), countersign.ByPasskey, ""))
	return fail(countersign.Invalid, "passkey.refused", "credential", nil), d.wrongGuess(ctx, tx, v, u, g)
}

// once uses up a question before its answer is compared, right or wrong: of two
// answers at once, on whatever nodes, only one is judged, and an answer that is
// sent again is not taken for that of a copied passkey.
func (d *Desk) once(ctx context.Context, tx *store.Tx, c countersign.Challenge) (countersign.Challenge, error) {
	if len(c.Nonce) == 0 {
		return c, nil
	}
	first, err := tx.SpendNonce(ctx, secret.Digest(countersign.Handle(c.Nonce)), c.Expires)
	if !first {
		c.Nonce = nil
	}
	return c, err
}

// payPasskey pays for one answer of a passkey that nobody has asked a password
// for. It is counted for its owner, or for a digest of what nobody has.
func (d *Desk) payPasskey(ctx context.Context, v countersign.Visit, credential []byte) (countersign.Guess, error) {
	var user countersign.UserID
	err := d.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) (err error) {
		user, err = tx.PasskeyOwner(ctx, credential)
		return err
	})
	if err != nil {
		return countersign.Guess{}, err
	}
	subject := string(user)
	if user == "" {
		subject = hex.EncodeToString(d.Key.MAC("passkey that nobody has", string(v.Agency.ID), string(credential)))
	}
	return d.payAtDoor(ctx, v, user, subject, countersign.LanePasskey, countersign.LanePasskeyKnown)
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
	c, err := d.once(ctx, tx, c)
	if err != nil {
		return Outcome{}, err
	}
	a := countersign.Attempt{
		ID:      attemptID(secret.NewHandle()), // not that of the cookie, which may be somebody's half sign-in
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
	f.Attempt.Proved, f.Attempt.Alone, f.Attempt.Browser = countersign.ByPasskey, true, f.Browser
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
