package signin

import (
	"context"
	"slices"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// The email address and the mobile phone of the own profile: a new one is
// proved by a token that went to it, and counts from then on.

// ChangeEmail takes a new address for the guest's profile and sends a token to
// it (D-44). also: tokens go there too, once it is proved.
func (s *Service) ChangeEmail(ctx context.Context, v countersign.Visit, g Principal, typed string, also bool) (Outcome, error) {
	return s.askContact(ctx, v, g, countersign.PurposeNewEmail, func(tx *store.Tx, f *policy.Facts) (countersign.Factor, error) {
		fa, err := s.Methods.Of(countersign.MethodEmail).Enroll(factor.Input{Address: typed})
		if err != nil {
			return fa, err
		}
		f.Attempt.MoveTokens, f.Attempt.Enrollment.Email = also, fa.Address
		return fa, s.emailFree(ctx, tx, f.User, fa.Address)
	})
}

// emailFree refuses an address that is the user's already, or another's: two
// users with one mailbox could read each other's tokens (D-45). Whose it is,
// is an administrator's to know.
func (s *Service) emailFree(ctx context.Context, tx *store.Tx, u countersign.User, address string) error {
	if countersign.SameEmail(address, u.Email) {
		return problem(countersign.KindInvalid, "email.same", "email", countersign.Args{"Email": address})
	}
	if err := tx.LockContact(ctx, address); err != nil {
		return err
	}
	others, err := tx.UsersByEmail(ctx, address)
	if err == nil && slices.ContainsFunc(others, func(o countersign.User) bool { return o.ID != u.ID }) {
		err = problem(countersign.KindInvalid, "email.not_free", "email", countersign.Args{"Email": address})
	}
	return err
}

// ChangePhone takes a new number for the guest's profile and sends a token to it.
func (s *Service) ChangePhone(ctx context.Context, v countersign.Visit, g Principal, country, typed string) (Outcome, error) {
	m := s.Methods.Of(countersign.MethodSMS)
	if m == nil {
		return Outcome{}, problem(countersign.KindNotFound, "page.not_found", "", nil)
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

// phoneFree refuses a number that is the user's already, or that many others have (D-48).
func (s *Service) phoneFree(ctx context.Context, tx *store.Tx, f policy.Facts, number string) error {
	if number == f.User.Mobile {
		return problem(countersign.KindInvalid, "phone.same", "phone", countersign.Args{})
	}
	return phoneShared(ctx, tx, f, number)
}

// phoneShared refuses a number that as many others have as may share one (D-48).
// It is asked when a number is given, and again when it is proved.
func phoneShared(ctx context.Context, tx *store.Tx, f policy.Facts, number string) error {
	if err := tx.LockContact(ctx, number); err != nil {
		return err
	}
	n, err := tx.CountSharing(ctx, f.User.ID, countersign.MethodSMS, number)
	if err == nil && n >= f.Agency.PhoneShare {
		err = problem(countersign.KindInvalid, "phone.shared", "phone", countersign.Args{"Users": n})
	}
	return err
}

// askContact opens an attempt that proves what take has taken, in place of an
// earlier one of the session. The same again, while its token works, sends nothing.
func (s *Service) askContact(ctx context.Context, v countersign.Visit, g Principal, p countersign.Purpose, take func(*store.Tx, *policy.Facts) (countersign.Factor, error)) (out Outcome, err error) {
	err = s.withUser(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		a := countersign.Attempt{ID: attemptID(secret.NewHandle()), User: u.ID, Purpose: p, Session: g.Session.ID, Client: v.Client,
			Started: v.Now, Expires: v.Now.Add(policy.AttemptLife)}
		f, err := s.facts(ctx, tx, v, u, a)
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
		if err := s.addAttempt(ctx, tx, v, u, f.Attempt); err != nil {
			return err
		}
		if err := s.issue(ctx, tx, v, &f, fa); err != nil {
			return err
		}
		out.Message = f.Attempt.Challenge.Message
		return tx.SaveAttempt(ctx, f.Attempt)
	})
	return out, err
}

// ViewContact shows the attempt of the session that proves a new address or number.
func (s *Service) ViewContact(ctx context.Context, v countersign.Visit, p countersign.Purpose) (View, error) {
	return s.viewOf(ctx, v, func(tx *store.Tx) (countersign.Attempt, error) {
		return tx.SessionAttempt(ctx, sessionID(v.Session), p)
	})
}

// contact is the ID of that attempt.
func (s *Service) contact(ctx context.Context, v countersign.Visit, p countersign.Purpose) (id countersign.AttemptID, err error) {
	err = s.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		a, err := tx.SessionAttempt(ctx, sessionID(v.Session), p)
		id = a.ID
		return orGone(err)
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
func (s *Service) NewContactToken(ctx context.Context, v countersign.Visit, p countersign.Purpose) (Outcome, error) {
	id, err := s.contact(ctx, v, p)
	if err != nil {
		return Outcome{}, err
	}
	return s.send(ctx, v, id, func(f policy.Facts) (countersign.Factor, error) {
		if f.Attempt.Purpose != p || !v.Now.Before(f.Attempt.Expires) || policy.OutOfTries(f.Attempt, v.Now) {
			return countersign.Factor{}, errAttemptGone()
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
	return s.verifyTyped(ctx, v, id, Typed{Token: typed}, func(ctx context.Context, tx *store.Tx, f policy.Facts, token string) (bool, error) {
		session, err := tx.Session(ctx, f.Attempt.Session)
		if err != nil || !session.Ended.IsZero() || f.Attempt.Purpose != p {
			return false, errAttemptGone()
		}
		if !policy.ProvedRecently(session, f.User, v.Now) {
			return false, errStepUpRequired()
		}
		if right, err := s.checkToken(ctx, tx, v, &f, contactFactor(f), token); !right || err != nil {
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
