package signin

import (
	"context"
	"errors"
	"slices"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// passkeys is the factor that stands for the user's passkeys; the zero Factor if there are none.
func passkeys(factors []countersign.Factor) countersign.Factor {
	for _, f := range factors {
		if f.Method == countersign.MethodPasskey {
			return f
		}
	}
	return countersign.Factor{}
}

// PasskeyToMake is what a page of the wizard gives to the browser so that it
// makes a passkey, as JSON.
func (s *Service) PasskeyToMake(ctx context.Context, v countersign.Visit, view View) (string, error) {
	nonce, err := s.nonce(ctx, v, view.Attempt.ID, countersign.NonceMake)
	if err != nil {
		return "", err
	}
	return factor.SiteOf(v.Agency).ToMake(view.User, passkeys(view.Factors).Passkeys, nonce)
}

// EnrollPasskey takes the passkey that the browser has made, under the name that
// the user gives it.
func (s *Service) EnrollPasskey(ctx context.Context, v countersign.Visit, name, answer string) (Outcome, error) {
	name = countersign.CleanText(name)
	if err := policy.CheckPasskeyName(name); err != nil {
		return Outcome{}, err
	}
	var out Outcome
	if err := s.wantWizard(ctx, v, true); err != nil {
		return out, err
	}
	err := s.verifyPasskeyAnswer(ctx, v, attemptID(v.Attempt), answer, countersign.NonceMake, factor.IsNewPasskey,
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
	if err := s.wizardOpen(f, v); err != nil {
		return err
	}
	if !slices.Contains(s.kinds(v), countersign.MethodPasskey) || len(passkeys(f.Factors).Passkeys) >= policy.MaxPasskeys {
		return errAttemptGone()
	}
	return s.offered(f, countersign.MethodPasskey)
}

// newPasskey judges what the browser has made. A credential is one user's only.
func (s *Service) newPasskey(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, answer string) (countersign.Passkey, error) {
	nonce, expires, err := tx.TakeNonce(ctx, f.Attempt.ID, countersign.NonceMake)
	if err == nil && nonce == nil {
		err = errWrongStage // of two clicks at once the other one was first
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
		err = problem(countersign.KindInvalid, "passkey.taken", "credential", countersign.Args{})
	}
	p.ID = countersign.PasskeyID(secret.NewID())
	return p, err
}

// notMade names why a passkey was not taken. Making one proves nothing, so that
// no try is lost by it.
func notMade(err error) error {
	if errors.Is(err, factor.ErrWrong) {
		return problem(countersign.KindInvalid, "passkey.not_made", "credential", nil)
	}
	return wrongPasskey(err)
}

// addPasskey keeps a new passkey: usable from now on. Making one is not using
// one, so the sign-in says of it no more than it did before (0.1 rule 1).
func (s *Service) addPasskey(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, p countersign.Passkey) error {
	if passkeys(f.Factors).ID == "" {
		if err := s.verified(ctx, tx, v, f, countersign.Factor{User: f.User.ID, Method: countersign.MethodPasskey}); err != nil {
			return err
		}
	} else {
		tx.Record(withMethod(newEvent(v, "method.added", f.User), countersign.MethodPasskey, p.Name))
		f.Attempt.Enrollment.Method = ""
		f.Attempt.Enrollment.Verified = append(f.Attempt.Enrollment.Verified, countersign.MethodPasskey)
	}
	if err := tx.AddPasskey(ctx, passkeys(f.Factors).ID, p); err != nil {
		return err
	}
	if err := noteChange(ctx, tx, v, f.Attempt.Session, store.SessionChange{Kind: store.ChangePasskey, Ref: string(p.ID)}); err != nil {
		return err
	}
	if err := s.endOtherAttempts(ctx, tx, v, f.User, f.Attempt.ID); err != nil {
		return err
	}
	return s.methodAdded(ctx, tx, v, f, countersign.MethodPasskey, p.Name)
}

// RenamePasskey gives a passkey of the guest another name.
func (s *Service) RenamePasskey(ctx context.Context, v countersign.Visit, g Principal, id countersign.PasskeyID, name string) error {
	name = countersign.CleanText(name)
	if err := policy.CheckPasskeyName(name); err != nil {
		return err
	}
	return s.withUser(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		factors, err := tx.Factors(ctx, u.ID)
		if err != nil {
			return err
		}
		all := passkeys(factors).Passkeys
		i := slices.IndexFunc(all, func(p countersign.Passkey) bool { return p.ID == id })
		if i < 0 {
			return problem(countersign.KindNotFound, "passkey.gone", "", nil)
		}
		c := store.SessionChange{Kind: store.ChangeName, Ref: renamed(id, name), Was: all[i].Name}
		if err := noteChange(ctx, tx, v, g.Session.ID, c); err != nil {
			return err
		}
		_, err = tx.RenamePasskey(ctx, u.ID, id, name)
		tx.Record(withMethod(newEvent(v, "passkey.renamed", u), countersign.MethodPasskey, name))
		return err
	})
}

// RemovePasskey removes one passkey of the guest, and with the last one the
// method. Email stays, so that nobody removes his last way in (PK-02).
func (s *Service) RemovePasskey(ctx context.Context, v countersign.Visit, g Principal, id countersign.PasskeyID) error {
	return s.withUser(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		factors, err := tx.Factors(ctx, u.ID)
		if err != nil {
			return err
		}
		fa := passkeys(factors)
		i := slices.IndexFunc(fa.Passkeys, func(p countersign.Passkey) bool { return p.ID == id })
		if i < 0 {
			return problem(countersign.KindNotFound, "passkey.gone", "", nil)
		}
		if len(fa.Passkeys) == 1 {
			at := slices.IndexFunc(factors, func(f countersign.Factor) bool { return f.ID == fa.ID })
			err = s.dropFactor(ctx, tx, factors, at)
		} else {
			_, err = tx.RemovePasskey(ctx, u.ID, id)
		}
		if err != nil {
			return err
		}
		return s.methodRemoved(ctx, tx, v, u, countersign.MethodPasskey, fa.Passkeys[i].Name)
	})
}
