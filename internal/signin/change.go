package signin

import (
	"context"

	"countersign"
	"countersign/internal/notice"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// ChangePassword changes the password of the guest: with the current one and,
// if he has a method, a second factor of the last five minutes. Every other
// session ends, every remembered device is forgotten, every address is told,
// and this session gets a new secret (PW-05). proved: the current password was
// right before the step-up that has just been done.
func (d *Desk) ChangePassword(ctx context.Context, v countersign.Visit, g Guest, current, password string, proved bool) (Outcome, error) {
	if err := d.checkNew(v, g.Preferences, g.User, password); err != nil {
		return Outcome{}, err
	}
	if !proved {
		if err := d.ownPassword(ctx, v, g, "password.changed", current); err != nil {
			return Outcome{}, err
		}
	}
	if g.Enrolled && !g.Fresh(v.Now) {
		return Outcome{}, stale()
	}
	hash, err := d.newHash(ctx, v, g.Preferences, g.User, password)
	if err != nil {
		return Outcome{}, err
	}
	handle := secret.NewHandle()
	err = d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, err := d.changing(ctx, tx, v, g)
		if err != nil {
			return err
		}
		tx.Record(record(v, "password.changed", u))
		if err := d.keepPassword(ctx, tx, v, u, hash, g.Session.ID); err != nil {
			return err
		}
		if err := tx.TurnSession(ctx, g.Session.ID, sessionID(handle), v.Now); err != nil {
			return err
		}
		return notice.Tell(ctx, tx, v, u, countersign.KindPassword, map[string]string{"How": "change"})
	})
	d.Wake()
	return Outcome{Session: set(handle)}, err
}

// changing is the locked user of the guest if his password may be changed now.
// Who has no verified method proves himself by the current password alone.
func (d *Desk) changing(ctx context.Context, tx *store.Tx, v countersign.Visit, g Guest) (countersign.User, error) {
	u, err := tx.LockUser(ctx, g.User.ID)
	if err != nil {
		return u, err
	}
	s, err := tx.Session(ctx, g.Session.ID)
	switch {
	case err != nil && countersign.KindOf(err) != countersign.NotFound:
		return u, err
	case err != nil || !s.Ended.IsZero():
		return u, fail(countersign.SignedOut, "session.ended", "", countersign.Args{"At": v.Now})
	case !policy.SamePassword(g.User, u):
		return u, fail(countersign.Invalid, "password.own_wrong", "password", nil)
	case u.Enrolled && !policy.Recent(s, u, v.Now):
		return u, stale()
	default:
		return u, nil
	}
}

// newHash is the hash of a password that its user may choose.
func (d *Desk) newHash(ctx context.Context, v countersign.Visit, p countersign.Preferences, u countersign.User, password string) (string, error) {
	if err := d.checkNew(v, p, u, password); err != nil {
		return "", err
	}
	return d.Passwords.Hash(ctx, password)
}
