package account

import (
	"context"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// ChangePassword changes the password of the guest: with the current one and,
// if he has a method, a second factor of the last five minutes. Every other
// session ends, every remembered device is forgotten, every address is told,
// and this session gets a new secret (PW-05). proved: the current password was
// right before the step-up that has just been done.
func (s *Service) ChangePassword(ctx context.Context, v countersign.Visit, g authn.Principal, current, password string, proved bool) (authn.Outcome, error) {
	if err := s.checkNew(v, g.Preferences, g.User, password); err != nil {
		return authn.Outcome{}, err
	}
	if !proved {
		if err := s.ownPassword(ctx, v, g, "password.changed", current); err != nil {
			return authn.Outcome{}, err
		}
	}
	if g.Enrolled && !g.Fresh(v.Now) {
		return authn.Outcome{}, authn.ErrStepUpRequired()
	}
	hash, err := s.newHash(ctx, v, g.Preferences, g.User, password)
	if err != nil {
		return authn.Outcome{}, err
	}
	handle := secret.NewHandle()
	err = s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, err := s.changing(ctx, tx, v, g)
		if err != nil {
			return err
		}
		tx.Record(v.Event("password.changed", u))
		if err := s.savePassword(ctx, tx, v, u, hash, g.Session.ID); err != nil {
			return err
		}
		if err := authn.NoteChange(ctx, tx, v, g.Session.ID, store.SessionChange{Kind: store.ChangePassword}); err != nil {
			return err
		}
		if err := tx.RotateSession(ctx, g.Session.ID, authn.SessionID(handle), v.Now); err != nil {
			return err
		}
		return notify.Send(ctx, tx, v, u, countersign.MessagePasswordChanged, map[string]string{"How": "change"})
	})
	s.Authn.Wake()
	return authn.Outcome{Session: authn.SetCookie(handle)}, err
}

// changing is the locked user of the guest if his password may be changed now.
// Who has no verified method proves himself by the current password alone.
func (s *Service) changing(ctx context.Context, tx *store.Tx, v countersign.Visit, g authn.Principal) (countersign.User, error) {
	u, err := tx.LockUser(ctx, g.User.ID)
	if err != nil {
		return u, err
	}
	session, err := tx.Session(ctx, g.Session.ID)
	switch {
	case err != nil && countersign.KindOf(err) != countersign.KindNotFound:
		return u, err
	case err != nil || !session.Ended.IsZero():
		return u, countersign.Problem(countersign.SignedOut, "session.ended", "", countersign.Args{"At": v.Now})
	case !policy.SamePassword(g.User, u):
		return u, countersign.Problem(countersign.KindInvalid, "password.own_wrong", "password", nil)
	case u.Enrolled && !policy.ProvedRecently(session, u, v.Now):
		return u, authn.ErrStepUpRequired()
	default:
		return u, nil
	}
}

// newHash is the hash of a password that its user may choose.
func (s *Service) newHash(ctx context.Context, v countersign.Visit, p countersign.Preferences, u countersign.User, password string) (string, error) {
	if err := s.checkNew(v, p, u, password); err != nil {
		return "", err
	}
	return s.Authn.Passwords.Hash(ctx, password)
}
