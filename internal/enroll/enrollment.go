package enroll

import (
	"context"
	"strconv"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/factor"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// VerifyEnrollmentCode judges the code with which the wizard begins. A try of the
// code's own five is paid for before it is compared. A right one allows another
// address, and opens set-up where it was locked (ER-02).
func (s *Service) VerifyEnrollmentCode(ctx context.Context, v countersign.Visit, typed string) (authn.Outcome, error) {
	if err := s.Authn.WantWizard(ctx, v, true); err != nil {
		return authn.Outcome{}, err
	}
	id := authn.AttemptID(v.Attempt)
	code, ok := secret.ReadCode(typed, secret.EnrollmentLength)
	if !ok {
		return authn.Outcome{}, s.Authn.RejectInput(ctx, v, id, countersign.Problem(countersign.KindInvalid, "enrolment_code.form", "enrolment_code", nil))
	}
	ctx, cancel, err := authn.UntilSettled(ctx)
	if err != nil {
		return authn.Outcome{}, err
	}
	defer cancel()
	paid, err := s.spendEnrollmentTry(ctx, v, id)
	if err != nil {
		return authn.Outcome{}, err
	}
	var verdict error
	out, err := s.inWizard(ctx, v, func(tx *store.Tx, f *policy.Facts) (err error) {
		verdict, err = s.compareCode(ctx, tx, v, f, code)
		return err
	})
	if authn.NotJudged(err) {
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
		return nil, authn.ErrAttemptGone()
	}
	digest := s.Authn.Key.CodeDigest("enrolment", tx.Agency(), f.User.ID, code)
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
	err = s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, a, err := s.Authn.Lock(ctx, tx, id)
		if err != nil {
			return err
		}
		f, err := s.Authn.Facts(ctx, tx, v, u, a)
		if err != nil {
			return err
		}
		if err := s.Authn.WizardOpen(f, v); err != nil {
			return err
		}
		if !policy.NeedsCode(f) {
			return authn.ErrAttemptGone()
		}
		paid = f.EnrollmentCode
		took, err := tx.ReserveEnrollmentTry(ctx, u.ID, v.Now)
		if err == nil && !took {
			return countersign.Problem(countersign.KindInvalid, "enrolment_code.none", "enrolment_code", nil)
		}
		return err
	})
	return paid, err
}

// returnCode gives the try of a code back that was not compared: its wizard has ended
// or gone on since it was paid for. why is what the person learns.
func (s *Service) returnCode(ctx context.Context, v countersign.Visit, paid countersign.EnrollmentCode, why error) error {
	err := s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error { return tx.ReturnEnrolmentTry(ctx, paid) })
	if err != nil {
		return err
	}
	return why
}

func (s *Service) failEnrollmentCode(tx *store.Tx, v countersign.Visit, f policy.Facts) error {
	e := v.RefusedEvent("enrolment-code.wrong", f.User, "enrolment_code.wrong")
	left := countersign.MaxEnrollmentTries - f.EnrollmentCode.Tries
	e.Detail = map[string]string{"left": strconv.Itoa(left)}
	tx.Record(e)
	if left <= 0 {
		return countersign.Problem(countersign.KindInvalid, "enrolment_code.wrong_last", "enrolment_code", nil)
	}
	return countersign.Problem(countersign.KindInvalid, "enrolment_code.wrong", "enrolment_code", countersign.Args{"Left": left})
}

// acceptEnrollmentCode opens the wizard for as long as any other, and ends what else was
// begun for this user.
func (s *Service) acceptEnrollmentCode(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts) error {
	if err := s.Authn.EndOtherAttempts(ctx, tx, v, f.User, f.Attempt.ID); err != nil {
		return err
	}
	f.Attempt.Enrollment.CodeAccepted, f.Attempt.Enrollment.NeedsCode = true, false
	f.Attempt.Expires = v.Now.Add(policy.EnrollmentLife)
	tx.Record(v.Event("enrolment-code.used", f.User))
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
