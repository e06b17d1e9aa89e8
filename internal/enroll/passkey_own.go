package enroll

import (
	"context"
	"errors"
	"slices"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// PasskeyToMake is what a page of the wizard gives to the browser so that it
// makes a passkey, as JSON.
func (s *Service) PasskeyToMake(ctx context.Context, v countersign.Visit, view authn.View) (string, error) {
	nonce, err := s.Authn.Nonce(ctx, v, view.Attempt.ID, countersign.NonceMake)
	if err != nil {
		return "", err
	}
	return factor.SiteOf(v.Agency).ToMake(view.User, authn.Passkeys(view.Factors).Passkeys, nonce)
}

// EnrollPasskey takes the passkey that the browser has made, under the name that
// the user gives it.
func (s *Service) EnrollPasskey(ctx context.Context, v countersign.Visit, name, answer string) (authn.Outcome, error) {
	name = countersign.CleanText(name)
	if err := policy.CheckPasskeyName(name); err != nil {
		return authn.Outcome{}, err
	}
	var out authn.Outcome
	if err := s.Authn.WantWizard(ctx, v, true); err != nil {
		return out, err
	}
	err := s.Authn.VerifyPasskeyAnswer(ctx, v, authn.AttemptID(v.Attempt), answer, countersign.NonceMake, factor.IsNewPasskey,
		func(ctx context.Context, tx *store.Tx, f policy.Facts, answer string) (bool, error) {
			if err := s.passkeyOpen(f, v); err != nil {
				return false, err
			}
			p, err := s.newPasskey(ctx, tx, v, f, answer)
			if err != nil {
				return false, notMade(err)
			}
			p.Name = name
			if err := tx.ReturnTry(ctx, f.Attempt.ID); err != nil {
				return false, err
			}
			if err := s.addPasskey(ctx, tx, v, &f, p); err != nil {
				return false, err
			}
			out, err = s.continueWizard(ctx, tx, v, f)
			return err == nil, err
		})
	return out, err
}

// passkeyOpen refuses another passkey where the wizard offers none.
func (s *Service) passkeyOpen(f policy.Facts, v countersign.Visit) error {
	if err := s.Authn.WizardOpen(f, v); err != nil {
		return err
	}
	if !slices.Contains(s.Authn.Kinds(v), countersign.MethodPasskey) || len(authn.Passkeys(f.Factors).Passkeys) >= policy.MaxPasskeys {
		return authn.ErrAttemptGone()
	}
	return s.offered(f, countersign.MethodPasskey)
}

// newPasskey judges what the browser has made. A credential is one user's only.
func (s *Service) newPasskey(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, answer string) (countersign.Passkey, error) {
	nonce, expires, err := tx.TakeNonce(ctx, f.Attempt.ID, countersign.NonceMake)
	if err == nil && nonce == nil {
		err = authn.ErrWrongStage // of two clicks at once the other one was first
	}
	if err != nil {
		return countersign.Passkey{}, err
	}
	p, err := factor.SiteOf(v.Agency).Make(f.User.ID, nonce, expires, answer, v.Now)
	if err != nil {
		return p, err
	}
	owner, err := tx.PasskeyOwner(ctx, p.Credential)
	if err == nil && owner != "" {
		err = countersign.Problem(countersign.KindInvalid, "passkey.taken", "credential", countersign.Args{})
	}
	p.ID = countersign.PasskeyID(secret.NewID())
	return p, err
}

// notMade names why a passkey was not taken. Making one proves nothing, so that
// no try is lost by it.
func notMade(err error) error {
	if errors.Is(err, factor.ErrWrong) {
		return countersign.Problem(countersign.KindInvalid, "passkey.not_made", "credential", nil)
	}
	return authn.WrongPasskey(err)
}

// addPasskey keeps a new passkey: usable from now on. Making one is not using
// one, so the sign-in says of it no more than it did before.
func (s *Service) addPasskey(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, p countersign.Passkey) error {
	if authn.Passkeys(f.Factors).ID == "" {
		if err := s.verified(ctx, tx, v, f, countersign.Factor{User: f.User.ID, Method: countersign.MethodPasskey}); err != nil {
			return err
		}
	} else {
		tx.Record(authn.WithMethod(v.Event("method.added", f.User), countersign.MethodPasskey, p.Name))
		f.Attempt.Enrollment.Method = ""
		f.Attempt.Enrollment.Verified = append(f.Attempt.Enrollment.Verified, countersign.MethodPasskey)
	}
	if err := tx.AddPasskey(ctx, authn.Passkeys(f.Factors).ID, p); err != nil {
		return err
	}
	if err := authn.NoteChange(ctx, tx, v, f.Attempt.Session, store.SessionChange{Kind: store.ChangePasskey, Ref: string(p.ID)}); err != nil {
		return err
	}
	if err := s.Authn.EndOtherAttempts(ctx, tx, v, f.User, f.Attempt.ID); err != nil {
		return err
	}
	return s.methodAdded(ctx, tx, v, f, countersign.MethodPasskey, p.Name)
}
