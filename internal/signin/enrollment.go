package signin

import (
	"context"
	"strconv"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// countOpening counts and tells that set-up was opened with the password alone, where
// a reset has made that possible (RS-03).
func (s *Service) countOpening(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User) error {
	e := newEvent(v, "set-up.opened", u)
	if u.ResetUntil.IsZero() {
		tx.Record(e)
		return nil
	}
	counted, err := tx.CountOpening(ctx, u.ID, policy.MaxEnrollmentOpenings)
	if err != nil {
		return err
	}
	if !counted {
		return errAttemptGone() // the rule has said so before, of the same locked user
	}
	n := strconv.Itoa(u.EnrollmentOpenings + 1)
	e.Detail = map[string]string{"opening": n, "of": strconv.Itoa(policy.MaxEnrollmentOpenings)}
	tx.Record(e)
	return notify.Send(ctx, tx, v, u, countersign.MessageEnrollmentOpened, map[string]string{
		"Opening": n, "Most": strconv.Itoa(policy.MaxEnrollmentOpenings), "Until": notify.Until(u.ResetUntil)})
}

// startLocked keeps the right password of a user to whom set-up is closed, so
// that an enrollment code can open it; nothing else is open to him (D-38, D-46).
func (s *Service) startLocked(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, why policy.Refuse, handle countersign.Handle) (Outcome, error) {
	a := f.Attempt
	a.Enrollment = countersign.Enrollment{Open: true, NeedsCode: true, Key: secret.AppKey(), KeyAt: v.Now}
	a.Expires = v.Now.Add(policy.EnrollmentLife)
	if err := s.addAttempt(ctx, tx, v, f.User, a); err != nil {
		return Outcome{}, err
	}
	tx.Record(refusedEvent(v, "sign-in.refused", f.User, why.Reason))
	return Outcome{Step: why, Stage: policy.AskCode{}, Attempt: setCookie(handle)}, nil
}

// VerifyEnrollmentCode judges the code with which the wizard begins. A try of the
// code's own five is paid for before it is compared. A right one allows another
// address, and opens set-up where it was closed (D-38, ER-02).
func (s *Service) VerifyEnrollmentCode(ctx context.Context, v countersign.Visit, typed string) (Outcome, error) {
	if err := s.wantWizard(ctx, v, true); err != nil {
		return Outcome{}, err
	}
	id := attemptID(v.Attempt)
	code, ok := secret.ReadCode(typed, secret.EnrollmentLength)
	if !ok {
		return Outcome{}, s.rejectInput(ctx, v, id, problem(countersign.KindInvalid, "enrolment_code.form", "enrolment_code", nil))
	}
	ctx, cancel, err := untilSettled(ctx)
	if err != nil {
		return Outcome{}, err
	}
	defer cancel()
	paid, err := s.spendEnrollmentTry(ctx, v, id)
	if err != nil {
		return Outcome{}, err
	}
	var verdict error
	out, err := s.inWizard(ctx, v, func(tx *store.Tx, f *policy.Facts) (err error) {
		verdict, err = s.compareCode(ctx, tx, v, f, code)
		return err
	})
	if notJudged(err) {
		return out, s.returnCode(ctx, v, paid, err)
	}
	if err == nil {
		err = verdict
	}
	return out, err
}

// compareCode uses up a right code and opens the wizard; verdict says what is wrong
// with another one.
func (s *Service) compareCode(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, code string) (verdict, err error) {
	if len(f.Factors) > 0 || f.Attempt.Enrollment.CodeAccepted {
		return nil, errAttemptGone()
	}
	digest := s.Key.CodeDigest("enrolment", tx.Agency(), f.User.ID, code)
	right, err := tx.UseEnrollmentCode(ctx, f.User.ID, digest, v.Now)
	switch {
	case err != nil:
		return nil, err
	case right:
		return nil, s.acceptEnrollmentCode(ctx, tx, v, f)
	default:
		return s.failEnrollmentCode(tx, v, *f), nil
	}
}

// spendEnrollmentTry takes one of the five tries of the user's code, and returns the code.
func (s *Service) spendEnrollmentTry(ctx context.Context, v countersign.Visit, id countersign.AttemptID) (paid countersign.EnrollmentCode, err error) {
	err = s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, a, err := s.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		f, err := s.facts(ctx, tx, v, u, a)
		if err != nil {
			return err
		}
		if err := s.wizardOpen(f, v); err != nil {
			return err
		}
		if !policy.NeedsCode(f) {
			return errAttemptGone()
		}
		paid = f.EnrollmentCode
		took, err := tx.ReserveEnrollmentTry(ctx, u.ID, v.Now)
		if err == nil && !took {
			return problem(countersign.KindInvalid, "enrolment_code.none", "enrolment_code", nil)
		}
		return err
	})
	return paid, err
}

// returnCode gives the try of a code back that was not compared: its wizard has ended
// or gone on since it was paid for. why is what the person learns.
func (s *Service) returnCode(ctx context.Context, v countersign.Visit, paid countersign.EnrollmentCode, why error) error {
	err := s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error { return tx.ReturnEnrolmentTry(ctx, paid) })
	if err != nil {
		return err
	}
	return why
}

func (s *Service) failEnrollmentCode(tx *store.Tx, v countersign.Visit, f policy.Facts) error {
	e := refusedEvent(v, "enrolment-code.wrong", f.User, "enrolment_code.wrong")
	left := countersign.MaxEnrollmentTries - f.EnrollmentCode.Tries
	e.Detail = map[string]string{"left": strconv.Itoa(left)}
	tx.Record(e)
	if left <= 0 {
		return problem(countersign.KindInvalid, "enrolment_code.wrong_last", "enrolment_code", nil)
	}
	return problem(countersign.KindInvalid, "enrolment_code.wrong", "enrolment_code", countersign.Args{"Left": left})
}

// acceptEnrollmentCode opens the wizard for as long as any other, and ends what else was
// begun for this user.
func (s *Service) acceptEnrollmentCode(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts) error {
	if err := s.endOtherAttempts(ctx, tx, v, f.User, f.Attempt.ID); err != nil {
		return err
	}
	f.Attempt.Enrollment.CodeAccepted, f.Attempt.Enrollment.NeedsCode = true, false
	f.Attempt.Expires = v.Now.Add(policy.EnrollmentLife)
	tx.Record(newEvent(v, "enrolment-code.used", f.User))
	return notify.Send(ctx, tx, v, f.User, countersign.MessageEnrollmentCode, map[string]string{"Used": "yes", "By": f.EnrollmentCode.MadeBy})
}

// enrolled tells the administrators of a first method where the profile's
// address was changed shortly before (ER-05).
func (s *Service) enrolled(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, address string) error {
	if !policy.RecentEmail(u, v.Now) {
		return nil
	}
	return notify.Administrators(ctx, tx, v, countersign.MessageAdminNotice, map[string]string{
		"What": "enrolled", "UserID": u.Login, "Name": u.Name, "New": factor.Readable(address)})
}
