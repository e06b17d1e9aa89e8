package signin

import (
	"context"
	"slices"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// SignOut ends the session of the visit, and what was begun from it. forget: this
// browser is forgotten as well (DV-08), even if the session is over already.
func (s *Service) SignOut(ctx context.Context, v countersign.Visit, forget bool) (authn.Outcome, error) {
	out := authn.Outcome{Session: authn.ClearCookie, Attempt: authn.ClearCookie, Notice: "signed-out"}
	g, err := s.Authn.Authenticate(ctx, v)
	if countersign.KindOf(err) == countersign.SignedOut {
		if !forget || v.Session == "" {
			return out, nil
		}
		return out, s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error { return s.forgetHere(ctx, tx, v) })
	}
	if err != nil {
		return out, err
	}
	err = s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		out.Notice = "signed-out"
		if forget {
			if err := s.forgetHere(ctx, tx, v); err != nil {
				return err
			}
			if g.Preferences.TwoFactor {
				out.Notice = "signed-out.forgotten"
			}
		} else if stays, err := remembered(ctx, tx, v, g); err != nil {
			return err
		} else if stays {
			out.Notice = "signed-out.remembered"
		}
		tx.Record(v.Event("session.signed_out", g.User))
		_, err := tx.EndSession(ctx, g.User.ID, g.Session.ID, "signed-out", v.Now)
		return err
	})
	return out, err
}

// remembered reports whether a sign-in from the device of the session needs no
// token now.
func remembered(ctx context.Context, tx *store.Tx, v countersign.Visit, g authn.Principal) (bool, error) {
	all, err := tx.Devices(ctx, g.User.ID)
	i := slices.IndexFunc(all, func(d countersign.Device) bool { return d.ID == g.Session.Device })
	if err != nil || i < 0 {
		return false, err
	}
	return v.Now.Before(policy.RememberedUntil(g.Preferences, all[i].Proved)), nil
}
