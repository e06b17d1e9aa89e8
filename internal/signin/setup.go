package signin

import (
	"context"
	"slices"

	"countersign"
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
	case policy.OutOfTries(a, v.Now):
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
	return Outcome{Step: policy.SetUp{}, Stage: stage, Message: f.Attempt.Challenge.Message}, tx.SaveAttempt(ctx, f.Attempt)
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
	if fa.Method != countersign.ByPasskey { // each passkey has a note of its own
		if err := noteChange(ctx, tx, v, f.Attempt.Session, boundChange(*f, replaced, fa)); err != nil {
			return err
		}
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
		return d.makeDefault(ctx, tx, v, f.Attempt.Session, f.Factors, m)
	})
}
