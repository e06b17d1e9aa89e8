package enroll

import (
	"context"
	"strings"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/factor"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// EnrollEmail takes the address for two factor authentication and sends a token:
// to the address itself, or first to the one on file, as the agency's
// preference says (M13, ER-02).
func (s *Service) EnrollEmail(ctx context.Context, v countersign.Visit, typed string) (authn.Outcome, error) {
	return s.inWizard(ctx, v, func(tx *store.Tx, f *policy.Facts) error {
		if err := s.emailOpen(*f); err != nil {
			return err
		}
		enrolled, err := s.Authn.Methods.Of(countersign.MethodEmail).Enroll(factor.Input{Address: typed})
		if err != nil {
			return err
		}
		enrollment := &f.Attempt.Enrollment
		onFile := f.User.Email
		if own, err := factor.ParseEmail(f.User.Email); err == nil {
			onFile = own
		}
		other := !countersign.SameEmail(enrolled.Address, onFile)
		if !other {
			enrolled.Address = onFile // as it is on file: nothing else was proved to be the user's
		}
		if other && !enrollment.CodeAccepted && f.Agency.EmailOther == countersign.OtherNo {
			return countersign.Problem(countersign.KindInvalid, "email.other_not_allowed", "email", countersign.Args{"Email": f.User.Email})
		}
		enrollment.Method, enrollment.Email = countersign.MethodEmail, enrolled.Address
		enrollment.Confirm = other && !enrollment.CodeAccepted && f.Agency.EmailOther == countersign.OtherConfirm &&
			len(f.Factors) == 0 && !countersign.SameEmail(enrollment.Confirmed, enrolled.Address)
		to := enrolled
		if enrollment.Confirm {
			to.Address = onFile
		}
		if other && !enrollment.Confirm && enrollment.Confirmed == "" {
			data := map[string]string{"New": factor.Readable(enrolled.Address)}
			if err := notify.Send(ctx, tx, v, f.User, countersign.MessageAddressAsked, data); err != nil {
				return err
			}
		}
		return s.Authn.Issue(ctx, tx, v, f, to)
	})
}

// emailOpen refuses another address once the wizard has verified one; from the
// User Profile it may be changed.
func (s *Service) emailOpen(f policy.Facts) error {
	switch s.Authn.StageOf(f).(type) {
	case policy.ProposeEmail, policy.ConfirmEmail, policy.ProveEmail:
		return nil
	case policy.AskCode:
		return authn.ErrAttemptGone()
	default:
		if f.Attempt.Purpose == countersign.PurposeEnrollment {
			return nil
		}
		return authn.ErrAttemptGone()
	}
}

// emailFactor is the unverified factor that the wizard's email token is for.
func emailFactor(f policy.Facts) countersign.Factor {
	fa := countersign.Factor{User: f.User.ID, Method: countersign.MethodEmail, Address: f.Attempt.Enrollment.Email}
	if f.Attempt.Enrollment.Confirm {
		fa.Address = f.Attempt.Challenge.Address
	}
	return fa
}

// ConfirmEmail takes the token sent to the address on file and sends one to the
// other address.
func (s *Service) ConfirmEmail(ctx context.Context, v countersign.Visit, typed string) (authn.Outcome, error) {
	return s.wizardToken(ctx, v, typed, policy.ConfirmEmail{}, emailFactor, func(ctx context.Context, tx *store.Tx, f *policy.Facts) error {
		enrollment := &f.Attempt.Enrollment
		enrollment.Confirm, enrollment.Confirmed = false, enrollment.Email
		f.Attempt.Proved = "" // the address on file may not be a method at all
		return s.Authn.IssueOrExplain(ctx, tx, v, f, emailFactor(*f))
	})
}

// VerifyEmailToken takes the token sent to the address being set up; from here on
// the user is enrolled, with email as Default.
func (s *Service) VerifyEmailToken(ctx context.Context, v countersign.Visit, typed string) (authn.Outcome, error) {
	return s.wizardToken(ctx, v, typed, policy.ProveEmail{}, emailFactor, func(ctx context.Context, tx *store.Tx, f *policy.Facts) error {
		old, first := f.User.Email, len(f.Factors) == 0
		fa := emailFactor(*f)
		for _, earlier := range f.Factors {
			if earlier.Method == countersign.MethodEmail {
				old = earlier.Address
			}
		}
		if err := s.verified(ctx, tx, v, f, fa); err != nil {
			return err
		}
		if err := s.notifyShared(ctx, tx, v, f.User, fa.Address); err != nil {
			return err
		}
		if first {
			if err := s.enrolled(ctx, tx, v, f.User, fa.Address); err != nil {
				return err
			}
		}
		if old == "" || countersign.SameEmail(old, fa.Address) {
			return s.methodAdded(ctx, tx, v, f, fa.Method, "")
		}
		data := map[string]string{"Old": factor.Readable(old), "New": factor.Readable(fa.Address)}
		return notify.Send(ctx, tx, v, f.User, countersign.MessageAddressChanged, data, old)
	})
}

// notifyShared tells the administrators that tokens of a user go to a mailbox that
// another user has: each could read the other's tokens.
func (s *Service) notifyShared(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, address string) error {
	if err := tx.LockContact(ctx, address); err != nil {
		return err
	}
	all, err := tx.UsersByEmail(ctx, address)
	if err != nil {
		return err
	}
	var others []string
	for _, o := range all {
		if o.ID != u.ID {
			others = append(others, o.Login)
		}
	}
	if len(others) == 0 {
		return nil
	}
	return notify.Administrators(ctx, tx, v, countersign.MessageAdminNotice, map[string]string{"What": "shared", "UserID": u.Login, "Name": u.Name,
		"New": factor.Readable(address), "Others": strings.Join(others, ", ")})
}
