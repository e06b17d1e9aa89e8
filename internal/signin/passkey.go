package signin

import (
	"context"
	"errors"
	"time"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// PasskeyToProve is what a page gives to the browser so that it asks for one of
// the user's passkeys, as JSON; empty where another method is asked for.
func (s *Service) PasskeyToProve(ctx context.Context, v countersign.Visit, view View) (string, error) {
	step, ok := view.Step.(policy.AskToken)
	if !ok || step.Factor.Method != countersign.MethodPasskey {
		return "", nil
	}
	nonce, err := s.nonce(ctx, v, view.Attempt.ID, countersign.NonceProve)
	if err != nil {
		return "", err
	}
	return factor.SiteOf(v.Agency).ToProve(view.User.ID, step.Factor.Passkeys, nonce)
}

// nonce is what is to be signed for a page that is being shown: the one that is
// kept, while most of its life is left, so that a reload disturbs no other
// window; otherwise a new one.
func (s *Service) nonce(ctx context.Context, v countersign.Visit, id countersign.AttemptID, p countersign.NoncePurpose) ([]byte, error) {
	var nonce []byte
	err := s.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
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
	return nonce, s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		return tx.SaveNonce(ctx, id, p, nonce, v.Now.Add(policy.NonceLife))
	})
}

// VerifyPasskey judges the answer of a passkey as the second factor of a sign-in.
// decline: this device is not to be remembered.
func (s *Service) VerifyPasskey(ctx context.Context, v countersign.Visit, answer string, decline bool) (Outcome, error) {
	var out Outcome
	if err := s.wantWizard(ctx, v, false); err != nil {
		return out, err
	}
	err := s.verifyPasskeyAnswer(ctx, v, attemptID(v.Attempt), answer, countersign.NonceProve, factor.IsPasskeyAnswer,
		s.checkAndAdmit(v, s.checkPasskeyProof, decline, &out))
	return out, err
}

// VerifyStepUpPasskey judges the answer of a passkey for a step-up and returns the
// act that goes on.
func (s *Service) VerifyStepUpPasskey(ctx context.Context, v countersign.Visit, answer string) (Outcome, *countersign.PendingRequest, error) {
	var out Outcome
	a, err := s.stepUp(ctx, v)
	if err != nil {
		return out, nil, err
	}
	err = s.verifyPasskeyAnswer(ctx, v, a.ID, answer, countersign.NonceProve, factor.IsPasskeyAnswer, s.steppingUp(v, s.checkPasskeyProof, &out))
	return out, a.Pending, err
}

// verifyPasskeyAnswer is judge for what the browser sent: no answer at all, or one
// that comes too late, is a prompt that failed and costs no try (D-18).
func (s *Service) verifyPasskeyAnswer(ctx context.Context, v countersign.Visit, id countersign.AttemptID, answer string, p countersign.NoncePurpose,
	isAnswer func(string) bool, compare check) error {
	if !isAnswer(answer) {
		return s.countPrompt(ctx, v, id, "passkey.cancelled")
	}
	var expires time.Time
	err := s.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) (err error) {
		_, expires, err = tx.Nonce(ctx, id, p)
		return err
	})
	switch {
	case err != nil:
		return err
	case p == countersign.NonceMake && expires.IsZero():
		return errWrongStage // made already, by a first click
	case !v.Now.Before(expires):
		return s.countPrompt(ctx, v, id, "passkey.late")
	}
	return s.verify(ctx, v, id, countersign.MethodPasskey, func(ctx context.Context, tx *store.Tx, f policy.Facts) (bool, error) {
		return compare(ctx, tx, f, answer)
	})
}

// countPrompt counts a prompt that was cancelled or failed: no try, but not
// without end either.
func (s *Service) countPrompt(ctx context.Context, v countersign.Visit, id countersign.AttemptID, code string) error {
	counted := false
	err := s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, a, err := s.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		a.Prompts++
		if counted = a.Prompts <= policy.MaxPrompts && v.Now.Before(a.Expires); counted {
			return tx.SaveAttempt(ctx, a)
		}
		return s.endWithWarning(ctx, tx, v, u, a)
	})
	if err != nil {
		return err
	}
	if !counted {
		return errAttemptGone()
	}
	return problem(countersign.KindInvalid, code, "credential", nil)
}

// checkPasskeyProof is prove for the answer of a passkey. The nonce is used up by
// it, right or wrong.
func (s *Service) checkPasskeyProof(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, fa countersign.Factor, answer string) (bool, error) {
	if fa.Method != countersign.MethodPasskey {
		return false, wrongPasskey(factor.ErrWrong)
	}
	c := countersign.Challenge{Method: fa.Method, Factor: fa.ID}
	var err error
	if c.Nonce, c.Expires, err = tx.TakeNonce(ctx, f.Attempt.ID, countersign.NonceProve); err != nil {
		return false, err
	}
	if err := s.comparePasskey(ctx, tx, v, f.User, fa, c, answer); err != nil {
		return false, wrongPasskey(err)
	}
	f.Attempt.Proved, f.Attempt.Challenge = countersign.MethodPasskey, countersign.Challenge{}
	return true, nil
}

// comparePasskey compares an answer with the passkeys of fa and keeps what it
// says. A counter that went back is told to everybody concerned (PK-02).
func (s *Service) comparePasskey(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, fa countersign.Factor, c countersign.Challenge, answer string) error {
	after, err := s.Methods.Of(countersign.MethodPasskey).Check(fa, c, factor.Binding{Site: factor.SiteOf(v.Agency)}, answer, v.Now)
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
	tx.Record(withMethod(refusedEvent(v, "passkey.copied", u, "passkey.copied"), countersign.MethodPasskey, p.Name))
	data := map[string]string{"Passkey": p.Name}
	if err := notify.Send(ctx, tx, v, u, countersign.MessagePasskeyCopied, data); err != nil {
		return err
	}
	return notify.Administrators(ctx, tx, v, countersign.MessagePasskeyCopied, map[string]string{"Passkey": p.Name, "Of": u.Login})
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
			return problem(countersign.KindInvalid, known.code, "credential", countersign.Args{})
		}
	}
	return err
}
