package signin

import (
	"context"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/store"
)

// forgetHere forgets the browser that a session was begun in, and the one that
// shows the session now. It does so for a session that is over as well: its
// user pressed the button, and no one else has the cookie.
func (s *Service) forgetHere(ctx context.Context, tx *store.Tx, v countersign.Visit) error {
	session, err := tx.Session(ctx, authn.SessionID(v.Session))
	if countersign.KindOf(err) == countersign.KindNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	u, err := tx.LockUser(ctx, session.User)
	if err != nil {
		return err
	}
	if err := authn.ForgetBrowser(ctx, tx, v, u.ID, session.Browser, "", "signed-out"); err != nil {
		return err
	}
	here, known, err := s.Authn.Browser(ctx, tx, v)
	if err != nil || !known || here.ID == session.Browser {
		return err
	}
	return authn.ForgetBrowser(ctx, tx, v, u.ID, here.ID, "", "signed-out")
}
