package signin

import (
	"context"
	"slices"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/notice"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// inWizard runs f on the attempt of the visit if it is a wizard that is open,
// and keeps what f changed in it. A wizard opened from the User Profile works
// only beside the session that it was opened from.
func (d *Desk) inWizard(ctx context.Context, v countersign.Visit, f func(*store.Tx, *policy.Facts) error) (Outcome, error) {
	var out Outcome
	err := d.in(ctx, v, func(tx *store.Tx) error {
		u, a, err := d.lock(ctx, tx, attemptID(v.Attempt))
		if err != nil {
			return err
		}
		facts, err := d.facts(ctx, tx, v, u, a)
		if err != nil {
			return err
		}
		if err := d.wizardOpen(facts, v); err != nil {
			return err
		}
		if err := f(tx, &facts); err != nil {
			return err
		}
		out, err = d.goOn(ctx, tx, v, facts)
		return err
	})
	d.Wake()
	return out, err
}

// wizardOpen tells whether the facts are those of a wizard that may go on.
func (d *Desk) wizardOpen(f policy.Facts, v countersign.Visit) error {
	a := f.Attempt
	switch {
	case !a.Setup.Open || !v.Now.Before(a.Expires) || f.User.Disabled:
		return over()
	case a.Failures >= policy.MaxFailures:
		return fail(countersign.Expired, policy.RefusedFailures, "", nil)
	case a.Purpose == countersign.SetUp && a.Session != sessionID(v.Session):
		return over()
	default:
		return nil
	}
}

// wizardRecent asks for a step-up where the wizard was opened from the User
// Profile and is about to change a method: its session was fresh then, and has
// to be so now (SE-06, ER-04).
func (d *Desk) wizardRecent(ctx context.Context, tx *store.Tx, v countersign.Visit, a countersign.Attempt) error {
	if a.Purpose != countersign.SetUp {
		return nil
	}
	s, err := tx.Session(ctx, a.Session)
	if err != nil || !s.Ended.IsZero() || a.Session != sessionID(v.Session) {
		return over()
	}
	u, err := tx.User(ctx, a.User)
	if err == nil && !policy.Recent(s, u, v.Now) {
		err = stale()
	}
	return err
}

// stage is where the wizard stands.
func (d *Desk) stage(f policy.Facts) policy.Stage {
	if policy.NeedsCode(f) {
		return policy.AskCode{}
	}
	return policy.NextStage(f.Attempt.Setup, f.Factors, d.Methods.Kinds())
}

// goOn keeps the wizard, or finishes it where nothing is left to do.
func (d *Desk) goOn(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts) (Outcome, error) {
	stage := d.stage(f)
	if _, done := stage.(policy.Done); done {
		return d.finish(ctx, tx, v, f)
	}
	return Outcome{Step: policy.SetUp{}, Stage: stage}, tx.SaveAttempt(ctx, f.Attempt)
}

// SetUpEmail takes the address for two factor authentication and sends a token:
// to the address itself, or first to the one on file, as the agency's
// preference says (M13, ER-02).
func (d *Desk) SetUpEmail(ctx context.Context, v countersign.Visit, typed string) (Outcome, error) {
	return d.inWizard(ctx, v, func(tx *store.Tx, f *policy.Facts) error {
		if err := d.emailOpen(*f); err != nil {
			return err
		}
		enrolled, err := d.Methods.Of(countersign.Email).Enroll(factor.Input{Address: typed})
		if err != nil {
			return err
		}
		s := &f.Attempt.Setup
		onFile := f.User.Email
		if own, err := factor.ParseEmail(f.User.Email); err == nil {
			onFile = own
		}
		other := enrolled.Address != onFile
		if other && !s.Coded && f.Agency.EmailOther == countersign.OtherNo {
			return fail(countersign.Invalid, "email.other_not_allowed", "email", countersign.Args{"Email": f.User.Email})
		}
		s.Method, s.Email = countersign.Email, enrolled.Address
		s.Confirm = other && !s.Coded && f.Agency.EmailOther == countersign.OtherConfirm &&
			len(f.Factors) == 0 && s.Confirmed != enrolled.Address
		to := enrolled
		if s.Confirm {
			to.Address = onFile
		}
		if other && !s.Confirm && s.Confirmed == "" {
			data := map[string]string{"New": enrolled.Address}
			if err := notice.Tell(ctx, tx, v, f.User, countersign.KindAddressAsked, data); err != nil {
				return err
			}
		}
		return d.issue(ctx, tx, v, f, to)
	})
}

// emailOpen refuses another address once the wizard has verified one; from the
// User Profile it may be changed.
func (d *Desk) emailOpen(f policy.Facts) error {
	switch d.stage(f).(type) {
	case policy.ProposeEmail, policy.ConfirmEmail, policy.ProveEmail:
		return nil
	case policy.AskCode:
		return over()
	default:
		if f.Attempt.Purpose == countersign.SetUp {
			return nil
		}
		return over()
	}
}

// emailFactor is the unverified factor that the wizard's email token is for.
func emailFactor(f policy.Facts) countersign.Factor {
	fa := countersign.Factor{User: f.User.ID, Method: countersign.Email, Address: f.Attempt.Setup.Email}
	if f.Attempt.Setup.Confirm {
		fa.Address = f.Attempt.Challenge.Address
	}
	return fa
}

// ConfirmEmail takes the token sent to the address on file and sends one to the
// other address.
func (d *Desk) ConfirmEmail(ctx context.Context, v countersign.Visit, typed string) (Outcome, error) {
	return d.wizardToken(ctx, v, typed, policy.ConfirmEmail{}, emailFactor, func(tx *store.Tx, f *policy.Facts) error {
		s := &f.Attempt.Setup
		s.Confirm, s.Confirmed = false, s.Email
		f.Attempt.Proved = "" // the address on file may not be a method at all
		return d.issueOrTell(ctx, tx, v, f, emailFactor(*f))
	})
}

// EmailToken takes the token sent to the address being set up; from here on
// the user is enrolled, with email as Default (D-35).
func (d *Desk) EmailToken(ctx context.Context, v countersign.Visit, typed string) (Outcome, error) {
	return d.wizardToken(ctx, v, typed, policy.ProveEmail{}, emailFactor, func(tx *store.Tx, f *policy.Facts) error {
		old, first := f.User.Email, len(f.Factors) == 0
		fa := emailFactor(*f)
		for _, earlier := range f.Factors {
			if earlier.Method == countersign.Email {
				old = earlier.Address
			}
		}
		if err := d.verified(ctx, tx, v, f, fa); err != nil {
			return err
		}
		if first {
			if err := d.enrolled(ctx, tx, v, f.User, fa.Address); err != nil {
				return err
			}
		}
		if old == "" || old == fa.Address {
			return d.methodAdded(ctx, tx, v, f.User, fa)
		}
		data := map[string]string{"Old": old, "New": fa.Address}
		return notice.Tell(ctx, tx, v, f.User, countersign.KindAddressChanged, data, old)
	})
}

// SetUpSMS takes the number and sends a token to it (M18).
func (d *Desk) SetUpSMS(ctx context.Context, v countersign.Visit, country, typed string) (Outcome, error) {
	return d.inWizard(ctx, v, func(tx *store.Tx, f *policy.Facts) error {
		if err := d.offered(*f, countersign.SMS); err != nil {
			return err
		}
		fa, err := d.Methods.Of(countersign.SMS).Enroll(factor.Input{Address: typed, Country: country, Countries: f.Agency.Countries})
		if err != nil {
			return err
		}
		n, err := tx.CountSharing(ctx, f.User.ID, countersign.SMS, fa.Address)
		if err != nil {
			return err
		}
		if n >= f.Agency.PhoneShare {
			return fail(countersign.Invalid, "phone.shared", "phone", countersign.Args{"Users": n})
		}
		s := &f.Attempt.Setup
		if s.Method == countersign.SMS && s.Phone == fa.Address && f.Attempt.Challenge.Live(v.Now) {
			return nil // the tenth digit and the button at once send one message (SM-02)
		}
		s.Method, s.Phone, s.Country = countersign.SMS, fa.Address, country
		return d.issue(ctx, tx, v, f, fa)
	})
}

// SMSToken takes the token sent to the number.
func (d *Desk) SMSToken(ctx context.Context, v countersign.Visit, typed string) (Outcome, error) {
	smsFactor := func(f policy.Facts) countersign.Factor {
		return countersign.Factor{User: f.User.ID, Method: countersign.SMS, Address: f.Attempt.Setup.Phone}
	}
	return d.wizardToken(ctx, v, typed, policy.ProveSMS{}, smsFactor, func(tx *store.Tx, f *policy.Facts) error {
		fa := smsFactor(*f)
		if err := d.verified(ctx, tx, v, f, fa); err != nil {
			return err
		}
		return d.methodAdded(ctx, tx, v, f.User, fa)
	})
}

// offered refuses a method that the wizard does not offer at this point: the
// email comes first (M13), and a method must exist here.
func (d *Desk) offered(f policy.Facts, m countersign.Method) error {
	emailFirst := slices.ContainsFunc(f.Factors, func(fa countersign.Factor) bool { return fa.Method == countersign.Email })
	if !emailFirst || !slices.Contains(d.Methods.Kinds(), m) {
		return over()
	}
	return nil
}

// wizardToken judges a token of the wizard at one stage of it.
func (d *Desk) wizardToken(ctx context.Context, v countersign.Visit, typed string, at policy.Stage,
	expected func(policy.Facts) countersign.Factor, right func(*store.Tx, *policy.Facts) error) (Outcome, error) {
	var out Outcome
	if err := d.standsIn(ctx, v, true); err != nil {
		return out, err
	}
	if err := d.waitsAt(ctx, v, at); err != nil {
		return out, err
	}
	err := d.judge(ctx, v, attemptID(v.Attempt), typed, func(tx *store.Tx, f policy.Facts, token string) (bool, error) {
		if err := d.wizardOpen(f, v); err != nil {
			return false, err
		}
		if !d.standsAt(f, at) {
			return false, errElsewhere
		}
		ok, err := d.prove(ctx, tx, v, &f, expected(f), token)
		if !ok || err != nil {
			return false, err
		}
		if err := tx.ReturnTry(ctx, f.Attempt.ID); err != nil {
			return false, err
		}
		if err := right(tx, &f); err != nil {
			return false, err
		}
		out, err = d.goOn(ctx, tx, v, f)
		return err == nil, err
	})
	return out, err
}

// errElsewhere is over for what came to a wizard at another stage, or was taken
// before, as from a second click: nothing is compared, and no try is paid for.
var errElsewhere = over()

// waitsAt refuses a token for another stage of the wizard before it costs a try.
func (d *Desk) waitsAt(ctx context.Context, v countersign.Visit, at policy.Stage) error {
	return d.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		a, err := tx.Attempt(ctx, attemptID(v.Attempt))
		if err != nil {
			return gone(err)
		}
		u, err := tx.User(ctx, a.User)
		if err != nil {
			return gone(err)
		}
		f, err := d.facts(ctx, tx, v, u, a)
		if err == nil && !d.standsAt(f, at) {
			err = errElsewhere
		}
		return err
	})
}

// standsAt tells whether the wizard takes a token of this stage now. The app's
// token is taken while further methods are open, until one was right.
func (d *Desk) standsAt(f policy.Facts, at policy.Stage) bool {
	switch at.(type) {
	case policy.Menu:
		return d.offered(f, countersign.App) == nil && len(f.Attempt.Setup.Key) > 0
	default:
		return d.stage(f) == at
	}
}

// verified keeps a method that has just been proved: usable from now on, and
// the Default while it is the only one (ER-06).
func (d *Desk) verified(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, fa countersign.Factor) error {
	if err := d.wizardRecent(ctx, tx, v, f.Attempt); err != nil {
		return err
	}
	fa.ID, fa.Verified, fa.LastUsed = countersign.FactorID(secret.NewID()), v.Now, v.Now
	replaced := slices.IndexFunc(f.Factors, func(e countersign.Factor) bool { return e.Method == fa.Method })
	if replaced >= 0 {
		fa.Default = f.Factors[replaced].Default
	} else {
		fa.Default = len(f.Factors) == 0
	}
	if err := tx.PutFactor(ctx, fa); err != nil {
		return err
	}
	if err := d.endOthers(ctx, tx, v, f.User, f.Attempt.ID); err != nil {
		return err // whatever else was begun goes by methods of before (D-41)
	}
	if err := tx.OpenMethod(ctx, f.User.ID, fa.Method); err != nil {
		return err
	}
	if replaced >= 0 {
		if _, err := tx.ForgetDevices(ctx, f.User.ID, countersign.ForgottenMethods, v.Now); err != nil {
			return err
		}
	}
	var err error
	if f.Factors, err = d.usable(ctx, tx, v, f.User.ID); err != nil {
		return err
	}
	s := &f.Attempt.Setup
	s.Method, s.Phone = "", ""
	s.Verified = append(s.Verified, fa.Method)
	if f.Attempt.Purpose == countersign.SignIn {
		if err := tx.LeaveSetUp(ctx, f.User.ID, true); err != nil { // until it is finished
			return err
		}
	}
	f.Attempt.Sends = 0 // each method has five tokens of its own
	e := record(v, "method.added", f.User)
	e.Method = string(fa.Method)
	tx.Record(e)
	return tx.OpenReset(ctx, f.User.ID, f.User.ResetAt, noTime, f.User.ResetBy)
}

func (d *Desk) methodAdded(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, fa countersign.Factor) error {
	return notice.Tell(ctx, tx, v, u, countersign.KindMethodAdded, map[string]string{"Method": string(fa.Method)})
}

// NewSetUpToken sends a new token for the step of the wizard that waits for one.
func (d *Desk) NewSetUpToken(ctx context.Context, v countersign.Visit) (Outcome, error) {
	return d.send(ctx, v, attemptID(v.Attempt), func(f policy.Facts) (countersign.Factor, error) {
		if err := d.wizardOpen(f, v); err != nil {
			return countersign.Factor{}, err
		}
		switch d.stage(f).(type) {
		case policy.ConfirmEmail, policy.ProveEmail:
			fa := emailFactor(f)
			if fa.Address == "" {
				fa.Address = f.User.Email
			}
			return fa, nil
		case policy.ProveSMS:
			return countersign.Factor{User: f.User.ID, Method: countersign.SMS, Address: f.Attempt.Setup.Phone}, nil
		default:
			return countersign.Factor{}, over()
		}
	})
}

// Skip leaves out one method, or with an empty one all that are left (M16, M19).
func (d *Desk) Skip(ctx context.Context, v countersign.Visit, m countersign.Method) (Outcome, error) {
	return d.inWizard(ctx, v, func(tx *store.Tx, f *policy.Facts) error {
		s := &f.Attempt.Setup
		switch d.stage(*f).(type) {
		case policy.Menu, policy.ProveSMS, policy.MakePasskey:
		case policy.AskCode:
			if policy.MustCode(*f) {
				return over()
			}
			s.Uncoded = true
			return nil
		default:
			return over()
		}
		s.Method, s.Phone = "", ""
		if m != "" {
			s.Skipped = append(s.Skipped, m)
		} else {
			s.Skipped = d.Methods.Kinds()
		}
		return nil
	})
}

// ChooseDefault makes one of the verified methods the Default (M20).
func (d *Desk) ChooseDefault(ctx context.Context, v countersign.Visit, m countersign.Method) (Outcome, error) {
	return d.inWizard(ctx, v, func(tx *store.Tx, f *policy.Facts) error {
		if _, ok := d.stage(*f).(policy.ChooseDefault); !ok {
			return over()
		}
		if !slices.ContainsFunc(f.Factors, func(fa countersign.Factor) bool { return fa.Method == m }) {
			return fail(countersign.Invalid, "default.unknown", "default", nil)
		}
		if err := d.wizardRecent(ctx, tx, v, f.Attempt); err != nil {
			return err
		}
		f.Attempt.Setup.Chosen = true
		return d.makeDefault(ctx, tx, v, f.User, f.Factors, m)
	})
}
