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
		if f.Method == countersign.ByPasskey {
			return f
		}
	}
	return countersign.Factor{}
}

// PasskeyToMake is what a page of the wizard gives to the browser so that it
// makes a passkey, as JSON.
func (d *Desk) PasskeyToMake(ctx context.Context, v countersign.Visit, view View) (string, error) {
	nonce, err := d.nonce(ctx, v, view.Attempt.ID, countersign.NonceMake)
	if err != nil {
		return "", err
	}
	return factor.SiteOf(v.Agency).ToMake(view.User, passkeys(view.Factors).Passkeys, nonce)
}

// SetUpPasskey takes the passkey that the browser has made, under the name that
// the user gives it.
func (d *Desk) SetUpPasskey(ctx context.Context, v countersign.Visit, name, answer string) (Outcome, error) {
	name = countersign.CleanText(name)
	if err := policy.CheckPasskeyName(name); err != nil {
		return Outcome{}, err
	}
	var out Outcome
	if err := d.standsIn(ctx, v, true); err != nil {
		return out, err
	}
	err := d.judgePasskey(ctx, v, attemptID(v.Attempt), answer, countersign.NonceMake, factor.IsNewPasskey,
		func(ctx context.Context, tx *store.Tx, f policy.Facts, answer string) (bool, error) {
			if err := d.passkeyOpen(f, v); err != nil {
				return false, err
			}
			p, err := d.newPasskey(ctx, tx, v, f, answer)
			if err != nil {
				return false, notMade(err)
			}
			p.Name = name
			if err := tx.ReturnTry(ctx, f.Attempt.ID); err != nil {
				return false, err
			}
			if err := d.addPasskey(ctx, tx, v, &f, p); err != nil {
				return false, err
			}
			out, err = d.goOn(ctx, tx, v, f)
			return err == nil, err
		})
	return out, err
}

// passkeyOpen refuses another passkey where the wizard offers none.
func (d *Desk) passkeyOpen(f policy.Facts, v countersign.Visit) error {
	if err := d.wizardOpen(f, v); err != nil {
		return err
	}
	if !slices.Contains(d.kinds(v), countersign.ByPasskey) || len(passkeys(f.Factors).Passkeys) >= policy.MaxPasskeys {
		return over()
	}
	return d.offered(f, countersign.ByPasskey)
}

// newPasskey judges what the browser has made. A credential is one user's only.
func (d *Desk) newPasskey(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, answer string) (countersign.Passkey, error) {
	nonce, expires, err := tx.TakeNonce(ctx, f.Attempt.ID, countersign.NonceMake)
	if err == nil && nonce == nil {
		err = errElsewhere // of two clicks at once the other one was first
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
		err = fail(countersign.Invalid, "passkey.taken", "credential", countersign.Args{})
	}
	p.ID = countersign.PasskeyID(secret.NewID())
	return p, err
}

// notMade names why a passkey was not taken. Making one proves nothing, so that
// no try is lost by it.
func notMade(err error) error {
	if errors.Is(err, factor.ErrWrong) {
		return fail(countersign.Invalid, "passkey.not_made", "credential", nil)
	}
	return wrongPasskey(err)
}

// addPasskey keeps a new passkey: usable from now on. Making one is not using
// one, so the sign-in says of it no more than it did before (0.1 rule 1).
func (d *Desk) addPasskey(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, p countersign.Passkey) error {
	if passkeys(f.Factors).ID == "" {
		if err := d.verified(ctx, tx, v, f, countersign.Factor{User: f.User.ID, Method: countersign.ByPasskey}); err != nil {
			return err
		}
	} else {
		tx.Record(method(record(v, "method.added", f.User), countersign.ByPasskey, p.Name))
		f.Attempt.Setup.Method = ""
		f.Attempt.Setup.Verified = append(f.Attempt.Setup.Verified, countersign.ByPasskey)
	}
	if err := tx.AddPasskey(ctx, passkeys(f.Factors).ID, p); err != nil {
		return err
	}
	if err := noteChange(ctx, tx, v, f.Attempt.Session, store.SessionChange{Kind: store.ChangePasskey, Ref: string(p.ID)}); err != nil {
		return err
	}
	if err := d.endOthers(ctx, tx, v, f.User, f.Attempt.ID); err != nil {
		return err
	}
	return d.methodAdded(ctx, tx, v, f, countersign.ByPasskey, p.Name)
}

// RenamePasskey gives a passkey of the guest another name.
func (d *Desk) RenamePasskey(ctx context.Context, v countersign.Visit, g Guest, id countersign.PasskeyID, name string) error {
	name = countersign.CleanText(name)
	if err := policy.CheckPasskeyName(name); err != nil {
		return err
	}
	return d.own(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		factors, err := tx.Factors(ctx, u.ID)
		if err != nil {
			return err
		}
		all := passkeys(factors).Passkeys
		i := slices.IndexFunc(all, func(p countersign.Passkey) bool { return p.ID == id })
		if i < 0 {
			return fail(countersign.NotFound, "passkey.gone", "", nil)
		}
		c := store.SessionChange{Kind: store.ChangeName, Ref: renamed(id, name), Was: all[i].Name}
		if err := noteChange(ctx, tx, v, g.Session.ID, c); err != nil {
			return err
		}
		_, err = tx.RenamePasskey(ctx, u.ID, id, name)
		tx.Record(method(record(v, "passkey.renamed", u), countersign.ByPasskey, name))
		return err
	})
}

// RemovePasskey removes one passkey of the guest, and with the last one the
// method. Email stays, so that nobody removes his last way in (PK-02).
func (d *Desk) RemovePasskey(ctx context.Context, v countersign.Visit, g Guest, id countersign.PasskeyID) error {
	return d.own(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		factors, err := tx.Factors(ctx, u.ID)
		if err != nil {
			return err
		}
		fa := passkeys(factors)
		i := slices.IndexFunc(fa.Passkeys, func(p countersign.Passkey) bool { return p.ID == id })
		if i < 0 {
			return fail(countersign.NotFound, "passkey.gone", "", nil)
		}
		if len(fa.Passkeys) == 1 {
			at := slices.IndexFunc(factors, func(f countersign.Factor) bool { return f.ID == fa.ID })
			err = d.dropFactor(ctx, tx, factors, at)
		} else {
			_, err = tx.RemovePasskey(ctx, u.ID, id)
		}
		if err != nil {
			return err
		}
		return d.methodRemoved(ctx, tx, v, u, countersign.ByPasskey, fa.Passkeys[i].Name)
	})
}
