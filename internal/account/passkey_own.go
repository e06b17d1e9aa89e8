package account

import (
	"context"
	"slices"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// RenamePasskey gives a passkey of the signed-in user another name.
func (s *Service) RenamePasskey(ctx context.Context, v countersign.Visit, g authn.Principal, id countersign.PasskeyID, name string) error {
	name = countersign.CleanText(name)
	if err := policy.CheckPasskeyName(name); err != nil {
		return err
	}
	return s.withUser(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		factors, err := tx.Factors(ctx, u.ID)
		if err != nil {
			return err
		}
		all := authn.Passkeys(factors).Passkeys
		i := slices.IndexFunc(all, func(p countersign.Passkey) bool { return p.ID == id })
		if i < 0 {
			return countersign.Problem(countersign.KindNotFound, "passkey.gone", "", nil)
		}
		c := store.SessionChange{Kind: store.ChangeName, Ref: renamed(id, name), Was: all[i].Name}
		if err := authn.NoteChange(ctx, tx, v, g.Session.ID, c); err != nil {
			return err
		}
		_, err = tx.RenamePasskey(ctx, u.ID, id, name)
		tx.Record(authn.WithMethod(v.Event("passkey.renamed", u), countersign.MethodPasskey, name))
		return err
	})
}

// RemovePasskey removes one passkey of the signed-in user, and with the last one the
// method. Email stays, so that no one removes their last method (PK-02).
func (s *Service) RemovePasskey(ctx context.Context, v countersign.Visit, g authn.Principal, id countersign.PasskeyID) error {
	return s.withUser(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		factors, err := tx.Factors(ctx, u.ID)
		if err != nil {
			return err
		}
		fa := authn.Passkeys(factors)
		i := slices.IndexFunc(fa.Passkeys, func(p countersign.Passkey) bool { return p.ID == id })
		if i < 0 {
			return countersign.Problem(countersign.KindNotFound, "passkey.gone", "", nil)
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
