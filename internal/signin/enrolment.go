package signin

import (
	"context"
	"strconv"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/notice"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// opening counts and tells that set-up was opened with the password alone, where
// a reset has made that possible (RS-03).
func (d *Desk) opening(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User) error {
	e := record(v, "set-up.opened", u)
	if u.ResetUntil.IsZero() {
		tx.Record(e)
		return nil
	}
	counted, err := tx.CountOpening(ctx, u.ID, policy.MaxOpenings)
	if err != nil {
		return err
	}
	if !counted {
		return over() // the rule has said so before, of the same locked user
	}
	n := strconv.Itoa(u.Openings + 1)
	e.Detail = map[string]string{"opening": n, "of": strconv.Itoa(policy.MaxOpenings)}
	tx.Record(e)
	return notice.Tell(ctx, tx, v, u, countersign.KindOpened, map[string]string{
		"Opening": n, "Most": strconv.Itoa(policy.MaxOpenings), "Until": notice.Until(u.ResetUntil)})
}

// openClosed keeps the right password of a user to whom set-up is closed, so
// that an enrollment code can open it; nothing else is open to him (D-38, D-46).
func (d *Desk) openClosed(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, why policy.Refuse, handle countersign.Handle) (Outcome, error) {
	a := f.Attempt
	a.Setup = countersign.Setup{Open: true, Closed: true, Key: secret.AppKey(), KeyAt: v.Now}
	a.Expires = v.Now.Add(policy.SetUpLife)
	if err := d.addAttempt(ctx, tx, v, f.User, a); err != nil {
		return Outcome{}, err
	}
	tx.Record(refused(v, "sign-in.refused", f.User, why.Reason))
	return Outcome{Step: why, Stage: policy.AskCode{}, Attempt: set(handle)}, nil
}

// EnrolmentCode judges the code with which the wizard begins. A try of the
// code's own five is paid for before it is compared. A right one allows another
// address, and opens set-up where it was closed (D-38, ER-02).
func (d *Desk) EnrolmentCode(ctx context.Context, v countersign.Visit, typed string) (Outcome, error) {
	if err := d.standsIn(ctx, v, true); err != nil {
		return Outcome{}, err
	}
	id := attemptID(v.Attempt)
	code, ok := secret.ReadCode(typed, secret.EnrolmentLength)
	if !ok {
		return Outcome{}, d.hint(ctx, v, id, fail(countersign.Invalid, "enrolment_code.form", "enrolment_code", nil))
	}
	ctx, cancel, err := untilSettled(ctx)
	if err != nil {
		return Outcome{}, err
	}
	defer cancel()
	paid, err := d.payCode(ctx, v, id)
	if err != nil {
		return Outcome{}, err
	}
	var verdict error
	out, err := d.inWizard(ctx, v, func(tx *store.Tx, f *policy.Facts) (err error) {
		verdict, err = d.compareCode(ctx, tx, v, f, code)
		return err
	})
	if notJudged(err) {
		return out, d.returnCode(ctx, v, paid, err)
	}
	if err == nil {
		err = verdict
	}
	return out, err
}

// compareCode uses up a right code and opens the wizard; verdict says what is wrong
// with another one.
func (d *Desk) compareCode(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, code string) (verdict, err error) {
	if len(f.Factors) > 0 || f.Attempt.Setup.Coded {
		return nil, over()
	}
	digest := d.Key.CodeDigest("enrolment", tx.Agency(), f.User.ID, code)
	right, err := tx.UseEnrolmentCode(ctx, f.User.ID, digest, v.Now)
	switch {
	case err != nil:
		return nil, err
	case right:
		return nil, d.codeRight(ctx, tx, v, f)
	default:
		return d.codeWrong(tx, v, *f), nil
	}
}

// payCode takes one of the five tries of the user's code, and returns the code.
func (d *Desk) payCode(ctx context.Context, v countersign.Visit, id countersign.AttemptID) (paid countersign.EnrolmentCode, err error) {
	err = d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		u, a, err := d.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		f, err := d.facts(ctx, tx, v, u, a)
		if err != nil {
			return err
		}
		if err := d.wizardOpen(f, v); err != nil {
			return err
		}
		if !policy.NeedsCode(f) {
			return over()
		}
		paid = f.Code
		took, err := tx.ReserveEnrolmentTry(ctx, u.ID, v.Now)
		if err == nil && !took {
			return fail(countersign.Invalid, "enrolment_code.none", "enrolment_code", nil)
		}
		return err
	})
	return paid, err
}

// returnCode gives the try of a code back that was not compared: its wizard has ended
// or gone on since it was paid for. why is what the person learns.
func (d *Desk) returnCode(ctx context.Context, v countersign.Visit, paid countersign.EnrolmentCode, why error) error {
	err := d.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error { return tx.ReturnEnrolmentTry(ctx, paid) })
	if err != nil {
		return err
	}
	return why
}

func (d *Desk) codeWrong(tx *store.Tx, v countersign.Visit, f policy.Facts) error {
	e := refused(v, "enrolment-code.wrong", f.User, "enrolment_code.wrong")
	left := countersign.MostEnrolmentTries - f.Code.Tries
	e.Detail = map[string]string{"left": strconv.Itoa(left)}
	tx.Record(e)
	if left <= 0 {
		return fail(countersign.Invalid, "enrolment_code.wrong_last", "enrolment_code", nil)
	}
	return fail(countersign.Invalid, "enrolment_code.wrong", "enrolment_code", countersign.Args{"Left": left})
}

// codeRight opens the wizard for as long as any other, and ends what else was
// begun for this user.
func (d *Desk) codeRight(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts) error {
	if err := d.endOthers(ctx, tx, v, f.User, f.Attempt.ID); err != nil {
		return err
	}
	f.Attempt.Setup.Coded, f.Attempt.Setup.Closed = true, false
	f.Attempt.Expires = v.Now.Add(policy.SetUpLife)
	tx.Record(record(v, "enrolment-code.used", f.User))
	return notice.Tell(ctx, tx, v, f.User, countersign.KindEnrolmentCode, map[string]string{"Used": "yes", "By": f.Code.MadeBy})
}

// enrolled tells the administrators of a first method where the profile's
// address was changed shortly before (ER-05).
func (d *Desk) enrolled(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, address string) error {
	if !policy.RecentEmail(u, v.Now) {
		return nil
	}
	return notice.Administrators(ctx, tx, v, countersign.KindWatch, map[string]string{
		"What": "enrolled", "UserID": u.Login, "Name": u.Name, "New": factor.Readable(address)})
}
