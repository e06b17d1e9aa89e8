package enroll

import (
	"context"
	"slices"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// inWizard runs f on the attempt of the visit if it is a wizard that is open,
// and keeps what f changed in it. A wizard opened from the User Profile works
// only beside the session that it was opened from.
func (s *Service) inWizard(ctx context.Context, v countersign.Visit, f func(*store.Tx, *policy.Facts) error) (authn.Outcome, error) {
	var out authn.Outcome
	err := s.Authn.InTx(ctx, v, func(tx *store.Tx) error {
		u, a, err := s.Authn.Lock(ctx, tx, authn.AttemptID(v.Attempt))
		if err != nil {
			return err
		}
		facts, err := s.Authn.Facts(ctx, tx, v, u, a)
		if err != nil {
			return err
		}
		if err := s.Authn.WizardOpen(facts, v); err != nil {
			return err
		}
		if err := f(tx, &facts); err != nil {
			return err
		}
		out, err = s.continueWizard(ctx, tx, v, facts)
		return err
	})
	s.Authn.Wake()
	return out, err
}

// continueWizard keeps the wizard, or finishes it where nothing is left to do.
func (s *Service) continueWizard(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts) (authn.Outcome, error) {
	stage := s.Authn.StageOf(f)
	if _, done := stage.(policy.Done); done {
		return s.finish(ctx, tx, v, f)
	}
	return authn.Outcome{Step: policy.Enroll{}, Stage: stage, Message: f.Attempt.Challenge.Message}, tx.SaveAttempt(ctx, f.Attempt)
}

// offered refuses a method that the wizard does not offer at this point: the
// email comes first (M13), and a method must exist here.
func (s *Service) offered(f policy.Facts, m countersign.Method) error {
	emailFirst := slices.ContainsFunc(f.Factors, func(fa countersign.Factor) bool { return fa.Method == countersign.MethodEmail })
	if !emailFirst || !slices.Contains(s.Authn.Methods.Kinds(), m) {
		return authn.ErrAttemptGone()
	}
	return nil
}

// verified keeps a method that has just been proved: usable from now on, and
// the Default while it is the only one (ER-06).
func (s *Service) verified(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, fa countersign.Factor) error {
	if err := s.Authn.WizardRecent(ctx, tx, v, f.Attempt); err != nil {
		return err
	}
	fa.ID, fa.Verified, fa.LastUsed = countersign.FactorID(secret.NewID()), v.Now, v.Now
	replaced := slices.IndexFunc(f.Factors, func(e countersign.Factor) bool { return e.Method == fa.Method })
	if replaced >= 0 {
		fa.Default = f.Factors[replaced].Default
	} else {
		fa.Default = len(f.Factors) == 0
	}
	if err := tx.SaveFactor(ctx, fa); err != nil {
		return err
	}
	if fa.Method != countersign.MethodPasskey { // each passkey has a note of its own
		if err := authn.NoteChange(ctx, tx, v, f.Attempt.Session, authn.BoundChange(*f, replaced, fa)); err != nil {
			return err
		}
	}
	if err := s.Authn.EndOtherAttempts(ctx, tx, v, f.User, f.Attempt.ID); err != nil {
		return err // other attempts depend on the methods before this change
	}
	if err := tx.ClearMethodFailures(ctx, f.User.ID, fa.Method); err != nil {
		return err
	}
	if replaced >= 0 {
		if _, err := tx.ForgetDevices(ctx, f.User.ID, countersign.ForgottenMethods, v.Now); err != nil {
			return err
		}
	}
	var err error
	if f.Factors, err = s.Authn.Usable(ctx, tx, v, f.User.ID); err != nil {
		return err
	}
	enrollment := &f.Attempt.Enrollment
	enrollment.Method, enrollment.Phone = "", ""
	enrollment.Verified = append(enrollment.Verified, fa.Method)
	if f.Attempt.Purpose == countersign.PurposeSignIn {
		if err := tx.LeaveEnrollment(ctx, f.User.ID, true); err != nil { // until it is finished
			return err
		}
	}
	f.Attempt.Sends = 0 // each method has five tokens of its own
	e := v.Event("method.added", f.User)
	e.Method = string(fa.Method)
	tx.Record(e)
	return tx.OpenReset(ctx, f.User.ID, f.User.ResetAt, authn.Never, f.User.ResetBy)
}

// NewEnrollmentToken sends a new token for the step of the wizard that waits for one.
func (s *Service) NewEnrollmentToken(ctx context.Context, v countersign.Visit) (authn.Outcome, error) {
	return s.Authn.Send(ctx, v, authn.AttemptID(v.Attempt), func(f policy.Facts) (countersign.Factor, error) {
		if err := s.Authn.WizardOpen(f, v); err != nil {
			return countersign.Factor{}, err
		}
		switch s.Authn.StageOf(f).(type) {
		case policy.ConfirmEmail, policy.ProveEmail:
			fa := emailFactor(f)
			if fa.Address == "" {
				fa.Address = f.User.Email
			}
			return fa, nil
		case policy.ProveSMS:
			return countersign.Factor{User: f.User.ID, Method: countersign.MethodSMS, Address: f.Attempt.Enrollment.Phone}, nil
		default:
			return countersign.Factor{}, authn.ErrAttemptGone()
		}
	})
}

// Skip leaves out one method, or with an empty one all that are left (M16, M19).
func (s *Service) Skip(ctx context.Context, v countersign.Visit, m countersign.Method) (authn.Outcome, error) {
	return s.inWizard(ctx, v, func(tx *store.Tx, f *policy.Facts) error {
		enrollment := &f.Attempt.Enrollment
		switch s.Authn.StageOf(*f).(type) {
		case policy.Menu, policy.ProveSMS, policy.MakePasskey:
		case policy.AskCode:
			if policy.MustUseCode(*f) {
				return authn.ErrAttemptGone()
			}
			enrollment.CodeSkipped = true
			return nil
		default:
			return authn.ErrAttemptGone()
		}
		enrollment.Method, enrollment.Phone = "", ""
		if m != "" {
			enrollment.Skipped = append(enrollment.Skipped, m)
		} else {
			enrollment.Skipped = s.Authn.Methods.Kinds()
		}
		return nil
	})
}

// ChooseDefault makes one of the verified methods the Default (M20).
func (s *Service) ChooseDefault(ctx context.Context, v countersign.Visit, m countersign.Method) (authn.Outcome, error) {
	return s.inWizard(ctx, v, func(tx *store.Tx, f *policy.Facts) error {
		if _, ok := s.Authn.StageOf(*f).(policy.ChooseDefault); !ok {
			return authn.ErrAttemptGone()
		}
		if !slices.ContainsFunc(f.Factors, func(fa countersign.Factor) bool { return fa.Method == m }) {
			return countersign.Problem(countersign.KindInvalid, "default.unknown", "default", nil)
		}
		if err := s.Authn.WizardRecent(ctx, tx, v, f.Attempt); err != nil {
			return err
		}
		f.Attempt.Enrollment.DefaultChosen = true
		return s.Authn.MakeDefault(ctx, tx, v, f.Attempt.Session, f.Factors, m)
	})
}
