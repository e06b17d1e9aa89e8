package signin

import (
	"context"
	"strings"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/notice"
	"countersign/internal/policy"
	"countersign/internal/store"
)

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
		other := !countersign.SameEmail(enrolled.Address, onFile)
		if !other {
			enrolled.Address = onFile // as it is on file: nothing else was proved to be the user's
		}
		if other && !s.Coded && f.Agency.EmailOther == countersign.OtherNo {
			return fail(countersign.Invalid, "email.other_not_allowed", "email", countersign.Args{"Email": f.User.Email})
		}
		s.Method, s.Email = countersign.Email, enrolled.Address
		s.Confirm = other && !s.Coded && f.Agency.EmailOther == countersign.OtherConfirm &&
			len(f.Factors) == 0 && !countersign.SameEmail(s.Confirmed, enrolled.Address)
		to := enrolled
		if s.Confirm {
			to.Address = onFile
		}
		if other && !s.Confirm && s.Confirmed == "" {
			data := map[string]string{"New": factor.Readable(enrolled.Address)}
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
	return d.wizardToken(ctx, v, typed, policy.ConfirmEmail{}, emailFactor, func(ctx context.Context, tx *store.Tx, f *policy.Facts) error {
		s := &f.Attempt.Setup
		s.Confirm, s.Confirmed = false, s.Email
		f.Attempt.Proved = "" // the address on file may not be a method at all
		return d.issueOrTell(ctx, tx, v, f, emailFactor(*f))
	})
}

// EmailToken takes the token sent to the address being set up; from here on
// the user is enrolled, with email as Default (D-35).
func (d *Desk) EmailToken(ctx context.Context, v countersign.Visit, typed string) (Outcome, error) {
	return d.wizardToken(ctx, v, typed, policy.ProveEmail{}, emailFactor, func(ctx context.Context, tx *store.Tx, f *policy.Facts) error {
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
		if err := d.tellShared(ctx, tx, v, f.User, fa.Address); err != nil {
			return err
		}
		if first {
			if err := d.enrolled(ctx, tx, v, f.User, fa.Address); err != nil {
				return err
			}
		}
		if old == "" || countersign.SameEmail(old, fa.Address) {
			return d.methodAdded(ctx, tx, v, f, fa.Method, "")
		}
		data := map[string]string{"Old": factor.Readable(old), "New": factor.Readable(fa.Address)}
		return notice.Tell(ctx, tx, v, f.User, countersign.KindAddressChanged, data, old)
	})
}

// tellShared tells the administrators that tokens of a user go to a mailbox that
// another user has: each could read the other's tokens.
func (d *Desk) tellShared(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, address string) error {
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
	return notice.Administrators(ctx, tx, v, countersign.KindWatch, map[string]string{"What": "shared", "UserID": u.Login, "Name": u.Name,
		"New": factor.Readable(address), "Others": strings.Join(others, ", ")})
}
