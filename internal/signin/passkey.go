package signin

import (
	"context"
	"errors"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/factor"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// PasskeyToProve is what a page gives to the browser so that it asks for one of
// the user's passkeys, as JSON; empty where another method is asked for.
func (s *Service) PasskeyToProve(ctx context.Context, v countersign.Visit, view authn.View) (string, error) {
	step, ok := view.Step.(policy.AskToken)
	if !ok || step.Factor.Method != countersign.MethodPasskey {
		return "", nil
	}
	nonce, err := s.Authn.Nonce(ctx, v, view.Attempt.ID, countersign.NonceProve)
	if err != nil {
		return "", err
	}
	return factor.SiteOf(v.Agency).ToProve(view.User.ID, step.Factor.Passkeys, nonce)
}

// VerifyPasskey judges the answer of a passkey as the second factor of a sign-in.
// decline: this device is not to be remembered.
func (s *Service) VerifyPasskey(ctx context.Context, v countersign.Visit, answer string, decline bool) (authn.Outcome, error) {
	var out authn.Outcome
	if err := s.Authn.WantWizard(ctx, v, false); err != nil {
		return out, err
	}
	err := s.Authn.VerifyPasskeyAnswer(ctx, v, authn.AttemptID(v.Attempt), answer, countersign.NonceProve, factor.IsPasskeyAnswer,
		s.checkAndAdmit(v, s.checkPasskeyProof, decline, &out))
	return out, err
}

// VerifyStepUpPasskey judges the answer of a passkey for a step-up and returns the
// act that goes on.
func (s *Service) VerifyStepUpPasskey(ctx context.Context, v countersign.Visit, answer string) (authn.Outcome, *countersign.PendingRequest, error) {
	var out authn.Outcome
	a, err := s.stepUp(ctx, v)
	if err != nil {
		return out, nil, err
	}
	err = s.Authn.VerifyPasskeyAnswer(ctx, v, a.ID, answer, countersign.NonceProve, factor.IsPasskeyAnswer, s.steppingUp(v, s.checkPasskeyProof, &out))
	return out, a.Pending, err
}

// checkPasskeyProof is prove for the answer of a passkey. The nonce is used up by
// it, right or wrong.
func (s *Service) checkPasskeyProof(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, fa countersign.Factor, answer string) (bool, error) {
	if fa.Method != countersign.MethodPasskey {
		return false, authn.WrongPasskey(factor.ErrWrong)
	}
	c := countersign.Challenge{Method: fa.Method, Factor: fa.ID}
	var err error
	if c.Nonce, c.Expires, err = tx.TakeNonce(ctx, f.Attempt.ID, countersign.NonceProve); err != nil {
		return false, err
	}
	if err := s.comparePasskey(ctx, tx, v, f.User, fa, c, answer); err != nil {
		return false, authn.WrongPasskey(err)
	}
	f.Attempt.Proved, f.Attempt.Challenge = countersign.MethodPasskey, countersign.Challenge{}
	return true, nil
}

// comparePasskey compares an answer with the passkeys of fa and keeps what it
// says. A counter that went back is told to everybody concerned (PK-02).
func (s *Service) comparePasskey(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, fa countersign.Factor, c countersign.Challenge, answer string) error {
	after, err := s.Authn.Methods.Of(countersign.MethodPasskey).Check(fa, c, factor.Binding{Site: factor.SiteOf(v.Agency)}, answer, v.Now)
	if errors.Is(err, factor.ErrCloned) {
		if failed := s.copied(ctx, tx, v, u, after.Passkeys[0]); failed != nil {
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
func (s *Service) copied(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, p countersign.Passkey) error {
	tx.Record(authn.WithMethod(v.RefusedEvent("passkey.copied", u, "passkey.copied"), countersign.MethodPasskey, p.Name))
	data := map[string]string{"Passkey": p.Name}
	if err := notify.Send(ctx, tx, v, u, countersign.MessagePasskeyCopied, data); err != nil {
		return err
	}
	return notify.Administrators(ctx, tx, v, countersign.MessagePasskeyCopied, map[string]string{"Passkey": p.Name, "Of": u.Login})
}
