package account

import (
	"context"
	"slices"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/factor"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// moveEmail keeps the proved address in the profile. Tokens go on
// to where they went, unless the user has said that they move too.
func (s *Service) moveEmail(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts) error {
	old, u := f.User, f.User
	u.Email = f.Attempt.Enrollment.Email
	if err := s.emailFree(ctx, tx, old, u.Email); err != nil {
		return err
	}
	before := ""
	if f.Attempt.MoveTokens {
		var err error
		if before, err = s.rebind(ctx, tx, v, f, countersign.MethodEmail, u.Email); err != nil {
			return err
		}
	}
	tx.Record(v.Event("profile.email_changed", u))
	c := store.SessionChange{Kind: store.ChangeEmail, Ref: u.Email, Was: old.Email}
	if err := authn.NoteChange(ctx, tx, v, f.Attempt.Session, c); err != nil {
		return err
	}
	if err := s.moved(ctx, tx, v, u, countersign.ForgottenEmail); err != nil {
		return err
	}
	if err := tx.EndLinks(ctx, u.ID); err != nil {
		return err
	}
	if err := tx.SaveOldEmail(ctx, u.ID, policy.KeptEmail(old, u.Email, v.Now), v.Now); err != nil {
		return err
	}
	data := map[string]string{"By": u.Name + " (" + u.Login + ")", "What": "email", "Old": factor.Readable(old.Email), "New": factor.Readable(u.Email)}
	if err := notify.Send(ctx, tx, v, u, countersign.MessageProfileChanged, data, old.Email, before); err != nil {
		return err
	}
	if before != "" {
		data := map[string]string{"Old": factor.Readable(before), "New": factor.Readable(u.Email)}
		if err := notify.Send(ctx, tx, v, u, countersign.MessageAddressChanged, data, old.Email, before); err != nil {
			return err
		}
	}
	if len(f.Factors) > 0 {
		return nil
	}
	data["UserID"], data["Name"] = u.Login, u.Name
	return notify.Administrators(ctx, tx, v, countersign.MessageProfileChanged, data) // set-up will begin with this address (ER-05)
}

// movePhone keeps the proved number in the profile; who gets tokens by SMS gets
// them there.
func (s *Service) movePhone(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts) error {
	old, u := f.User, f.User
	u.Mobile = f.Attempt.Enrollment.Phone
	if err := s.phoneFree(ctx, tx, f, u.Mobile); err != nil {
		return err
	}
	if _, err := s.rebind(ctx, tx, v, f, countersign.MethodSMS, u.Mobile); err != nil {
		return err
	}
	tx.Record(v.Event("profile.phone_changed", u))
	c := store.SessionChange{Kind: store.ChangePhone, Ref: u.Mobile, Was: old.Mobile}
	if err := authn.NoteChange(ctx, tx, v, f.Attempt.Session, c); err != nil {
		return err
	}
	if err := s.moved(ctx, tx, v, u, countersign.ForgottenMethods); err != nil {
		return err
	}
	data := map[string]string{"By": u.Name + " (" + u.Login + ")", "What": "mobile", "Old": old.Mobile, "New": u.Mobile}
	return notify.Send(ctx, tx, v, u, countersign.MessageProfileChanged, data)
}

// moved saves the profile and does what follows: devices are forgotten, and
// everything under way ends, the attempt that proved it among them.
func (s *Service) moved(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, why countersign.Forgotten) error {
	if err := tx.SaveUser(ctx, u); err != nil {
		return err
	}
	if _, err := tx.ForgetDevices(ctx, u.ID, why, v.Now); err != nil {
		return err
	}
	return s.Authn.EndOtherAttempts(ctx, tx, v, u, "")
}

// rebind lets a method that the user has go to the address that he has just
// proved, and tells where it went before; empty: nothing was moved.
func (s *Service) rebind(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, m countersign.Method, address string) (before string, err error) {
	i := slices.IndexFunc(f.Factors, func(fa countersign.Factor) bool { return fa.Method == m })
	if i < 0 || f.Factors[i].Address == address {
		return "", nil
	}
	fa := f.Factors[i]
	before = fa.Address
	fa.ID, fa.Address, fa.Verified, fa.LastUsed = countersign.FactorID(secret.NewID()), address, v.Now, v.Now
	e := v.Event("method.added", f.User)
	e.Method = string(m)
	tx.Record(e)
	if err := authn.NoteChange(ctx, tx, v, f.Attempt.Session, authn.BoundChange(f, i, fa)); err != nil {
		return before, err
	}
	return before, tx.SaveFactor(ctx, fa)
}
