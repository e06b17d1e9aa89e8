package account

import (
	"context"
	"slices"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// The email address and the mobile phone of the own profile: a new one is
// proved by a token that went to it, and counts from then on.

// ChangeEmail takes a new address for the user's profile and sends a token to
// it. also: tokens go there too, once it is proved.
func (s *Service) ChangeEmail(ctx context.Context, v countersign.Visit, g authn.Principal, typed string, also bool) (authn.Outcome, error) {
	return s.askContact(ctx, v, g, countersign.PurposeNewEmail, func(tx *store.Tx, f *policy.Facts) (countersign.Factor, error) {
		fa, err := s.Authn.Methods.Of(countersign.MethodEmail).Enroll(factor.Input{Address: typed})
		if err != nil {
			return fa, err
		}
		f.Attempt.MoveTokens, f.Attempt.Enrollment.Email = also, fa.Address
		return fa, s.emailFree(ctx, tx, f.User, fa.Address)
	})
}

// emailFree refuses an address that is the user's already, or another's: two
// users with one mailbox could read each other's tokens. Whose it is,
// is an administrator's to know.
func (s *Service) emailFree(ctx context.Context, tx *store.Tx, u countersign.User, address string) error {
	if countersign.SameEmail(address, u.Email) {
		return countersign.Problem(countersign.KindInvalid, "email.same", "email", countersign.Args{"Email": address})
	}
	if err := tx.LockContact(ctx, address); err != nil {
		return err
	}
	others, err := tx.UsersByEmail(ctx, address)
	if err == nil && slices.ContainsFunc(others, func(o countersign.User) bool { return o.ID != u.ID }) {
		err = countersign.Problem(countersign.KindInvalid, "email.not_free", "email", countersign.Args{"Email": address})
	}
	return err
}

// ChangePhone takes a new number for the user's profile and sends a token to it.
func (s *Service) ChangePhone(ctx context.Context, v countersign.Visit, g authn.Principal, country, typed string) (authn.Outcome, error) {
	m := s.Authn.Methods.Of(countersign.MethodSMS)
	if m == nil {
		return authn.Outcome{}, countersign.Problem(countersign.KindNotFound, "page.not_found", "", nil)
	}
	return s.askContact(ctx, v, g, countersign.PurposeNewPhone, func(tx *store.Tx, f *policy.Facts) (countersign.Factor, error) {
		fa, err := m.Enroll(factor.Input{Address: typed, Country: country, Countries: f.Agency.Countries})
		if err != nil {
			return fa, err
		}
		f.Attempt.Enrollment.Phone, f.Attempt.Enrollment.Country = fa.Address, country
		return fa, s.phoneFree(ctx, tx, *f, fa.Address)
	})
}

// phoneFree refuses a number that is the user's already, or that too many others have.
func (s *Service) phoneFree(ctx context.Context, tx *store.Tx, f policy.Facts, number string) error {
	if number == f.User.Mobile {
		return countersign.Problem(countersign.KindInvalid, "phone.same", "phone", countersign.Args{})
	}
	return authn.PhoneShared(ctx, tx, f, number)
}

// askContact opens an attempt that proves what take has taken, in place of an
// earlier one of the session. The same again, while its token works, sends nothing.
func (s *Service) askContact(ctx context.Context, v countersign.Visit, g authn.Principal, p countersign.Purpose, take func(*store.Tx, *policy.Facts) (countersign.Factor, error)) (out authn.Outcome, err error) {
	err = s.withUser(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		a := countersign.Attempt{ID: authn.AttemptID(secret.NewHandle()), User: u.ID, Purpose: p, Session: g.Session.ID, Client: v.Client,
			Started: v.Now, Expires: v.Now.Add(policy.AttemptLife)}
		f, err := s.Authn.Facts(ctx, tx, v, u, a)
		if err != nil {
			return err
		}
		fa, err := take(tx, &f)
		if err != nil {
			return err
		}
		earlier, err := tx.SessionAttempt(ctx, g.Session.ID, p)
		if err == nil && earlier.Challenge.Address == fa.Address && earlier.Challenge.Live(v.Now) {
			earlier.MoveTokens = f.Attempt.MoveTokens
			out.Message = earlier.Challenge.Message
			return tx.SaveAttempt(ctx, earlier)
		}
		f.Attempt.Sent = earlier.Sent // another number is no way around the wait
		if err := tx.EndSessionAttempts(ctx, g.Session.ID, p); err != nil {
			return err
		}
		if err := s.Authn.AddAttempt(ctx, tx, v, u, f.Attempt); err != nil {
			return err
		}
		if err := s.Authn.Issue(ctx, tx, v, &f, fa); err != nil {
			return err
		}
		out.Message = f.Attempt.Challenge.Message
		return tx.SaveAttempt(ctx, f.Attempt)
	})
	return out, err
}

// ViewContact shows the attempt of the session that proves a new address or number.
func (s *Service) ViewContact(ctx context.Context, v countersign.Visit, p countersign.Purpose) (authn.View, error) {
	return s.Authn.ViewOf(ctx, v, func(tx *store.Tx) (countersign.Attempt, error) {
		return tx.SessionAttempt(ctx, authn.SessionID(v.Session), p)
	})
}

// contact is the ID of that attempt.
func (s *Service) contact(ctx context.Context, v countersign.Visit, p countersign.Purpose) (id countersign.AttemptID, err error) {
	err = s.Authn.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		a, err := tx.SessionAttempt(ctx, authn.SessionID(v.Session), p)
		id = a.ID
		return authn.OrGone(err)
	})
	return id, err
}

// contactFactor is the factor that the attempt's token went to; it is not verified yet.
func contactFactor(f policy.Facts) countersign.Factor {
	fa := countersign.Factor{User: f.User.ID, Method: countersign.MethodEmail, Address: f.Attempt.Enrollment.Email}
	if f.Attempt.Purpose == countersign.PurposeNewPhone {
		fa.Method, fa.Address = countersign.MethodSMS, f.Attempt.Enrollment.Phone
	}
	return fa
}

// NewContactToken sends a new token to the new address or number.
func (s *Service) NewContactToken(ctx context.Context, v countersign.Visit, p countersign.Purpose) (authn.Outcome, error) {
	id, err := s.contact(ctx, v, p)
	if err != nil {
		return authn.Outcome{}, err
	}
	return s.Authn.Send(ctx, v, id, func(f policy.Facts) (countersign.Factor, error) {
		if f.Attempt.Purpose != p || !v.Now.Before(f.Attempt.Expires) || policy.OutOfTries(f.Attempt, v.Now) {
			return countersign.Factor{}, authn.ErrAttemptGone()
		}
		return contactFactor(f), nil
	})
}

// VerifyContactToken judges the token that went to the new address or number; the
// right one changes the profile, if a second factor is still recent (SE-06).
func (s *Service) VerifyContactToken(ctx context.Context, v countersign.Visit, p countersign.Purpose, typed string) error {
	id, err := s.contact(ctx, v, p)
	if err != nil {
		return err
	}
	return s.Authn.VerifyTyped(ctx, v, id, authn.Typed{Token: typed}, func(ctx context.Context, tx *store.Tx, f policy.Facts, token string) (bool, error) {
		session, err := tx.Session(ctx, f.Attempt.Session)
		if err != nil || !session.Ended.IsZero() || f.Attempt.Purpose != p {
			return false, authn.ErrAttemptGone()
		}
		if !policy.ProvedRecently(session, f.User, v.Now) {
			return false, authn.ErrStepUpRequired()
		}
		if right, err := s.Authn.CheckToken(ctx, tx, v, &f, contactFactor(f), token); !right || err != nil {
			return false, err
		}
		if p == countersign.PurposeNewPhone {
			err = s.movePhone(ctx, tx, v, f)
		} else {
			err = s.moveEmail(ctx, tx, v, f)
		}
		return err == nil, err
	})
}
