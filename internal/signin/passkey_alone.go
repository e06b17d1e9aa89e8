package signin

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// PasskeyOnlyRequest is what the sign-in page gives to the browser where a passkey
// may be the whole sign-in, as JSON; empty elsewhere. What is to be signed is
// bound to the attempt cookie of the browser and kept nowhere: anybody may open
// this page as often as they like, without filling the database.
func (s *Service) PasskeyOnlyRequest(v countersign.Visit, p countersign.Preferences) (string, error) {
	if !p.PasskeySignIn || v.Attempt == "" || !slices.Contains(s.Authn.Kinds(v), countersign.MethodPasskey) {
		return "", nil
	}
	return factor.SiteOf(v.Agency).ToProve("", nil, s.Authn.Key.DatedNonce(v.Now.Add(policy.NonceLife), passkeyOnlyBinding(v)...))
}

// passkeyOnlyBinding is what the nonce of the sign-in page is bound to.
func passkeyOnlyBinding(v countersign.Visit) []string {
	return []string{"alone", string(v.Agency.ID), string(authn.AttemptID(v.Attempt))}
}

// passkeyOnlyChallenge is the question that an answer says it answers. One that this browser was
// never asked has no nonce and no end, so that Check refuses its answer.
func (s *Service) passkeyOnlyChallenge(v countersign.Visit, answer string) countersign.Challenge {
	c := countersign.Challenge{Method: countersign.MethodPasskey, PasskeyOnly: true}
	nonce := factor.NonceOf(answer)
	if until, ok := s.Authn.Key.NonceDate(nonce, passkeyOnlyBinding(v)...); ok {
		c.Nonce, c.Expires = nonce, until
	}
	return c
}

// SignInWithPasskey judges a passkey that is the whole sign-in. Whoever is refused
// gets one answer, whatever the reason (EN-01). Each answer is paid for like a
// password before it is compared (TH-04). One that comes too late costs
// nothing, and leaves no row.
func (s *Service) SignInWithPasskey(ctx context.Context, v countersign.Visit, answer, then string) (authn.Outcome, error) {
	credential, ok := factor.Credential(answer)
	if !ok || v.Attempt == "" {
		return authn.Outcome{}, countersign.Problem(countersign.KindInvalid, "passkey.unused", "credential", nil)
	}
	c := s.passkeyOnlyChallenge(v, answer)
	if len(c.Nonce) > 0 && !v.Now.Before(c.Expires) {
		return authn.Outcome{}, countersign.Problem(countersign.KindInvalid, "passkey.late", "credential", nil)
	}
	client := ctx
	ctx, cancel, err := authn.UntilSettled(client)
	if err != nil {
		return authn.Outcome{}, err
	}
	defer cancel()
	g, err := s.spendPasskeyTry(ctx, v, credential)
	if err != nil {
		return authn.Outcome{}, err
	}
	var out authn.Outcome
	var verdict error
	err = s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		out, verdict = authn.Outcome{}, nil // the transaction may run again
		u, err := s.owner(ctx, tx, credential)
		if err != nil {
			return err
		}
		if out, err = s.passkeyOnly(ctx, tx, v, u, c, answer, then); err == nil {
			if client.Err() != nil {
				return authn.ErrHungUp
			}
			return s.Authn.AcceptTry(ctx, tx, g)
		}
		verdict, err = s.refusePasskeyOnly(ctx, tx, v, u, g, err)
		return err
	})
	if errors.Is(err, authn.ErrHungUp) {
		return authn.Outcome{}, s.Authn.RefundPassword(ctx, v, g, client.Err())
	}
	if authn.NotJudged(err) {
		return authn.Outcome{}, s.Authn.RefundPassword(ctx, v, g, err)
	}
	s.Authn.Wake()
	if err != nil {
		return authn.Outcome{}, err
	}
	return out, verdict
}

// refusePasskeyOnly settles an answer that was refused, as a guess, and says so in the one
// sentence for all; an error that is not about the answer stays what it is.
func (s *Service) refusePasskeyOnly(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, g countersign.CountedTry, why error) (verdict, err error) {
	if !isRefusal(why) {
		return nil, why
	}
	tx.Record(authn.WithMethod(v.RefusedEvent("sign-in.passkey", u, countersign.CodeOf(why)), countersign.MethodPasskey, ""))
	return countersign.Problem(countersign.KindInvalid, "passkey.refused", "credential", nil), s.Authn.FailTry(ctx, tx, v, u, g)
}

// spendNonce uses up a question before its answer is compared, right or wrong: of two
// answers at once, on whatever nodes, only one is judged, and an answer that is
// sent again is not taken for that of a copied passkey.
func (s *Service) spendNonce(ctx context.Context, tx *store.Tx, c countersign.Challenge) (countersign.Challenge, error) {
	if len(c.Nonce) == 0 {
		return c, nil
	}
	first, err := tx.SpendNonce(ctx, secret.Digest(countersign.Handle(c.Nonce)), c.Expires)
	if !first {
		c.Nonce = nil
	}
	return c, err
}

// spendPasskeyTry counts one answer of a passkey that is the whole sign-in. It is
// counted for its owner, or for a digest of an unknown credential.
func (s *Service) spendPasskeyTry(ctx context.Context, v countersign.Visit, credential []byte) (countersign.CountedTry, error) {
	var user countersign.UserID
	err := s.Authn.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) (err error) {
		user, err = tx.PasskeyOwner(ctx, credential)
		return err
	})
	if err != nil {
		return countersign.CountedTry{}, err
	}
	subject := string(user)
	if user == "" {
		subject = hex.EncodeToString(s.Authn.Key.MAC("passkey that nobody has", string(v.Agency.ID), string(credential)))
	}
	return s.Authn.SpendAtSignIn(ctx, v, user, subject, countersign.LimitPasskey, countersign.LimitPasskeyKnown)
}

// owner locks and returns the user of a credential; the zero User if it is unknown here.
func (s *Service) owner(ctx context.Context, tx *store.Tx, credential []byte) (countersign.User, error) {
	id, err := tx.PasskeyOwner(ctx, credential)
	if err != nil || id == "" {
		return countersign.User{}, err
	}
	return tx.LockUser(ctx, id)
}

// passkeyOnly lays what the passkey proves before the one rule of all sign-ins, and
// does what it says.
func (s *Service) passkeyOnly(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, c countersign.Challenge, answer, then string) (authn.Outcome, error) {
	c, err := s.spendNonce(ctx, tx, c)
	if err != nil {
		return authn.Outcome{}, err
	}
	a := countersign.Attempt{
		ID:       authn.AttemptID(secret.NewHandle()), // not that of the cookie, which may be an unfinished sign-in
		User:     u.ID,
		Purpose:  countersign.PurposeSignIn,
		Client:   v.Client,
		ReturnTo: then,
		Started:  v.Now,
		Expires:  v.Now.Add(policy.AttemptLife),
	}
	f, err := s.Authn.Facts(ctx, tx, v, u, a)
	if err != nil {
		return authn.Outcome{}, err
	}
	i := slices.IndexFunc(f.Factors, func(fa countersign.Factor) bool { return fa.Method == countersign.MethodPasskey })
	if i < 0 {
		return authn.Outcome{}, authn.WrongPasskey(factor.ErrUnknown)
	}
	if err := s.comparePasskey(ctx, tx, v, u, f.Factors[i], c, answer); err != nil {
		return authn.Outcome{}, authn.WrongPasskey(err)
	}
	f.Attempt.Proved, f.Attempt.PasskeyOnly, f.Attempt.Browser = countersign.MethodPasskey, true, f.Browser
	step := policy.Next(f)
	admit, ok := step.(policy.Admit)
	if !ok {
		return authn.Outcome{}, whyNotPasskeyOnly(step)
	}
	return s.Authn.Admit(ctx, tx, v, f, admit, f.Declined())
}

// whyNotPasskeyOnly says, for the audit log, why a passkey that is right did not admit.
func whyNotPasskeyOnly(step policy.Step) error {
	if refused, ok := step.(policy.Refuse); ok {
		return countersign.Problem(countersign.KindInvalid, refused.Reason, "", nil)
	}
	return countersign.Problem(countersign.KindInvalid, "passkey.not_alone", "", nil)
}

// isRefusal tells whether err is about the answer that was judged, and is kept as a fact.
func isRefusal(err error) bool {
	var e *countersign.Error
	return errors.As(err, &e) && e.Kind == countersign.KindInvalid
}
