package authn

import (
	"context"
	"errors"
	"time"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// Nonce is what is to be signed for a page that is being shown: the one that is
// kept, while most of its life is left, so that a reload disturbs no other
// window; otherwise a new one.
func (s *Service) Nonce(ctx context.Context, v countersign.Visit, id countersign.AttemptID, p countersign.NoncePurpose) ([]byte, error) {
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

// VerifyPasskeyAnswer verifies what the browser sent. No answer, or one that comes
// too late, is a failed prompt and costs no try.
func (s *Service) VerifyPasskeyAnswer(ctx context.Context, v countersign.Visit, id countersign.AttemptID, answer string, p countersign.NoncePurpose,
	isAnswer func(string) bool, compare Check) error {
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
		return ErrWrongStage // made already, by a first click
	case !v.Now.Before(expires):
		return s.countPrompt(ctx, v, id, "passkey.late")
	}
	return s.Verify(ctx, v, id, countersign.MethodPasskey, func(ctx context.Context, tx *store.Tx, f policy.Facts) (bool, error) {
		return compare(ctx, tx, f, answer)
	})
}

// countPrompt counts a prompt that was canceled or failed. It costs no try, but the
// number of prompts is limited.
func (s *Service) countPrompt(ctx context.Context, v countersign.Visit, id countersign.AttemptID, code string) error {
	counted := false
	err := s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, a, err := s.Lock(ctx, tx, id)
		if err != nil {
			return err
		}
		a.Prompts++
		if counted = a.Prompts <= policy.MaxPrompts && v.Now.Before(a.Expires); counted {
			return tx.SaveAttempt(ctx, a)
		}
		return s.EndWithWarning(ctx, tx, v, u, a)
	})
	if err != nil {
		return err
	}
	if !counted {
		return ErrAttemptGone()
	}
	return countersign.Problem(countersign.KindInvalid, code, "credential", nil)
}

// WrongPasskey names what is wrong with an answer, as far as that helps its
// owner; an error that is not the answer's stays what it is.
func WrongPasskey(err error) error {
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
			return countersign.Problem(countersign.KindInvalid, known.code, "credential", countersign.Args{})
		}
	}
	return err
}
