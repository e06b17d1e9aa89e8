package admin

import (
	"context"

	"countersign"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// ResetTwoFactor is «Reset/Disable 2 Factor Authentication» on another user's
// page: methods, devices, sessions and attempts end, and the user may sign in
// once with the password alone, to set up again within 24 hours (M25 to M27,
// RS-02 to RS-05). told are the addresses of the notice.
func (s *Service) ResetTwoFactor(ctx context.Context, v countersign.Visit, actor countersign.Actor, login, reason string) (told []string, err error) {
	reason = countersign.CleanText(reason)
	err = s.change(ctx, v, actor, countersign.RightReset, func(tx *store.Tx, actor countersign.Actor) error {
		u, err := s.lockTarget(ctx, tx, actor, countersign.RightReset, login)
		if err != nil {
			return err
		}
		if !actor.Operator && actor.User.ID == u.ID {
			return countersign.Problem(countersign.KindDenied, "reset.self", "", nil) // the User Profile asks for more
		}
		if err := policy.CheckReason(reason, "reset.reason_missing"); err != nil {
			return err
		}
		if told, err = addresses(ctx, tx, u); err != nil {
			return err
		}
		return s.reset(ctx, tx, v, actor, u, reason)
	})
	return told, err
}

// reset tells of a reset, clears what it clears, and opens set-up (RS-06).
func (s *Service) reset(ctx context.Context, tx *store.Tx, v countersign.Visit, actor countersign.Actor, u countersign.User, reason string) error {
	until := v.Now.Add(policy.ResetLife)
	if err := s.notifyBoth(ctx, tx, v, actor, u, countersign.MessageReset, "reset", reason, until); err != nil {
		return err
	}
	if err := tx.ClearTwoFactor(ctx, u.ID, v.Now); err != nil {
		return err
	}
	e := newEvent(v, actor, "two-factor.reset", u.Login)
	e.Reason = reason
	tx.Record(e)
	return tx.OpenReset(ctx, u.ID, v.Now, until, displayName(actor))
}

// lockTarget locks the user that a change is for and returns them, if the actor may make it.
func (s *Service) lockTarget(ctx context.Context, tx *store.Tx, actor countersign.Actor, right countersign.Right, login string) (countersign.User, error) {
	u, err := tx.UserByLogin(ctx, login)
	if err != nil {
		return u, err
	}
	if u, err = tx.LockUser(ctx, u.ID); err != nil {
		return u, err
	}
	return u, policy.MayActOn(actor, right, u)
}

func addresses(ctx context.Context, tx *store.Tx, u countersign.User) ([]string, error) {
	var all []string
	if u.Email != "" {
		all = append(all, u.Email)
	}
	factors, err := tx.Factors(ctx, u.ID)
	for _, f := range factors {
		if f.Method == countersign.MethodEmail && !countersign.SameEmail(f.Address, u.Email) {
			all = append(all, f.Address)
		}
	}
	return all, err
}

// Invite is «Setup 2 Factor Authentication» on another user's page: a mail that
// says that set-up waits at the next sign-in.
func (s *Service) Invite(ctx context.Context, v countersign.Visit, actor countersign.Actor, login string) error {
	return s.change(ctx, v, actor, countersign.RightReset, func(tx *store.Tx, actor countersign.Actor) error {
		u, err := s.lockTarget(ctx, tx, actor, countersign.RightReset, login)
		if err != nil {
			return err
		}
		if u.Email == "" {
			return countersign.Problem(countersign.KindInvalid, "invite.no_email", "", countersign.Args{"Login": u.Login})
		}
		tx.Record(newEvent(v, actor, "set-up.invited", u.Login))
		return notify.Send(ctx, tx, v, u, countersign.MessageInvitation, map[string]string{"By": displayName(actor), "Link": v.Agency.URL + "/"})
	})
}

// SendActivation mails a new link to choose a password; the earlier one dies.
func (s *Service) SendActivation(ctx context.Context, v countersign.Visit, actor countersign.Actor, login string) error {
	return s.change(ctx, v, actor, countersign.RightUsers, func(tx *store.Tx, actor countersign.Actor) error {
		u, err := s.lockTarget(ctx, tx, actor, countersign.RightUsers, login)
		if err != nil {
			return err
		}
		if u.Password != "" {
			return countersign.Problem(countersign.KindInvalid, "activation.done", "", countersign.Args{"Login": u.Login})
		}
		if u.Email == "" {
			return countersign.Problem(countersign.KindInvalid, "invite.no_email", "", countersign.Args{"Login": u.Login})
		}
		return s.activation(ctx, tx, v, actor, u)
	})
}

// activation makes the link and its letter.
func (s *Service) activation(ctx context.Context, tx *store.Tx, v countersign.Visit, actor countersign.Actor, u countersign.User) error {
	handle := secret.NewHandle()
	until := v.Now.Add(policy.LinkLife)
	link := countersign.Link{Digest: secret.Digest(handle), User: u.ID, Purpose: countersign.LinkActivate, Created: v.Now, Expires: until}
	if err := tx.AddLink(ctx, link); err != nil {
		return err
	}
	tx.Record(newEvent(v, actor, "user.activation_sent", u.Login))
	return notify.Address(ctx, tx, v, u, countersign.MessageActivation, u.Email, map[string]string{
		"By": displayName(actor), "Until": notify.Until(until), "Link": v.Agency.URL + "/welcome?link=" + string(handle)})
}

// FirstAdministrator makes the one-time link that makes the first administrator;
// an earlier one dies. The handle is empty if the agency has an administrator.
func (s *Service) FirstAdministrator(ctx context.Context, v countersign.Visit) (handle countersign.Handle, err error) {
	err = s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		handle = ""
		holders, err := tx.UsersWith(ctx, countersign.RightUsers)
		if err != nil || len(holders) > 0 {
			return err
		}
		handle = secret.NewHandle()
		tx.Record(newEvent(v, countersign.Actor{Operator: true}, "first-administrator.link", ""))
		return tx.AddLink(ctx, countersign.Link{Digest: secret.Digest(handle), Purpose: countersign.LinkFirstAdministrator,
			Created: v.Now, Expires: v.Now.Add(policy.LinkLife)})
	})
	return handle, err
}

// ForgetDevices forgets one remembered device of a user at every address and ends
// its sessions, with an empty ID all (DV-06, DV-08). The actor's own session goes on.
func (s *Service) ForgetDevices(ctx context.Context, v countersign.Visit, actor countersign.Actor, login string, id countersign.DeviceID) error {
	return s.change(ctx, v, actor, countersign.RightUsers, func(tx *store.Tx, actor countersign.Actor) error {
		u, err := s.lockTarget(ctx, tx, actor, countersign.RightUsers, login)
		if err != nil {
			return err
		}
		tx.Record(newEvent(v, actor, "device.forgotten", u.Login))
		if id == "" {
			if err := tx.ForgetBrowsers(ctx, u.ID, countersign.ForgottenByAdmin, v.Now); err != nil {
				return err
			}
			_, err := tx.EndSessions(ctx, u.ID, actor.Session, "administrator", v.Now)
			return err
		}
		b, remembered, err := tx.DeviceBrowser(ctx, u.ID, id)
		if err == nil && !remembered {
			return countersign.Problem(countersign.KindNotFound, "device.unknown", "", nil)
		}
		if err != nil {
			return err
		}
		if err := tx.ForgetBrowser(ctx, u.ID, b, countersign.ForgottenByAdmin, v.Now); err != nil {
			return err
		}
		return tx.EndBrowser(ctx, u.ID, b, actor.Session, "administrator", v.Now)
	})
}

// EndSession ends one session of a user, with what was begun from it (SE-04).
func (s *Service) EndSession(ctx context.Context, v countersign.Visit, actor countersign.Actor, login string, id countersign.SessionID) error {
	return s.change(ctx, v, actor, countersign.RightUsers, func(tx *store.Tx, actor countersign.Actor) error {
		u, err := s.lockTarget(ctx, tx, actor, countersign.RightUsers, login)
		if err != nil {
			return err
		}
		ended, err := tx.EndSession(ctx, u.ID, id, "administrator", v.Now)
		if err == nil && !ended {
			return countersign.Problem(countersign.KindNotFound, "session.unknown", "", nil)
		}
		tx.Record(newEvent(v, actor, "session.ended", u.Login))
		return err
	})
}

// EndSessions ends all sessions of a user (SE-04).
func (s *Service) EndSessions(ctx context.Context, v countersign.Visit, actor countersign.Actor, login string) error {
	return s.change(ctx, v, actor, countersign.RightUsers, func(tx *store.Tx, actor countersign.Actor) error {
		u, err := s.lockTarget(ctx, tx, actor, countersign.RightUsers, login)
		if err != nil {
			return err
		}
		tx.Record(newEvent(v, actor, "session.ended", u.Login))
		_, err = tx.EndSessions(ctx, u.ID, actor.Session, "administrator", v.Now)
		return err
	})
}
