package policy

import (
	"slices"

	"countersign"
)

// A Stage is a page of the set-up wizard: one of the types below.
//
//sumtype:decl
type Stage interface{ stage() }

// The stages of the wizard.
type (
	// AskCode: an enrollment code comes before everything else.
	AskCode struct{}
	// ProposeEmail: the address is asked for; nothing has been sent to it.
	ProposeEmail struct{}
	// ConfirmEmail: the address on file is proved before the other one (ER-02).
	ConfirmEmail struct{}
	// ProveEmail: the token sent to the address is asked for.
	ProveEmail struct{}
	// Menu: further methods may be added or skipped: the app's page shows its key
	// and asks for a token, the SMS page asks for the number.
	Menu struct{ Offered []countersign.Method }
	// ProveSMS: the token sent to the number is asked for.
	ProveSMS struct{}
	// MakePasskey: a passkey is being made, and nothing else was asked for.
	MakePasskey struct{}
	// ChooseDefault: two methods or more are verified; one becomes the Default.
	ChooseDefault struct{}
	// Done: nothing is left to do.
	Done struct{}
)

func (AskCode) stage()       {}
func (ProposeEmail) stage()  {}
func (ConfirmEmail) stage()  {}
func (ProveEmail) stage()    {}
func (Menu) stage()          {}
func (ProveSMS) stage()      {}
func (MakePasskey) stage()   {}
func (ChooseDefault) stage() {}
func (Done) stage()          {}

// NextStage returns the wizard's next page, from what was set up so far: verified
// are the user's methods, offered those that this installation can offer. A
// passkey is offered beside the others, and has no step of its own.
func NextStage(s countersign.Enrollment, verified []countersign.Factor, offered []countersign.Method) Stage {
	has := func(m countersign.Method) bool {
		return slices.ContainsFunc(verified, func(f countersign.Factor) bool { return f.Method == m })
	}
	missing := slices.DeleteFunc(slices.Clone(offered), func(m countersign.Method) bool {
		return m == countersign.MethodEmail || m == countersign.MethodPasskey || slices.Contains(s.Verified, m) || slices.Contains(s.Skipped, m)
	})
	switch {
	case s.Method == countersign.MethodEmail && s.Confirm:
		return ConfirmEmail{}
	case s.Method == countersign.MethodEmail && s.Email != "":
		return ProveEmail{}
	case s.Method == countersign.MethodEmail || !has(countersign.MethodEmail):
		return ProposeEmail{}
	case s.Method == countersign.MethodSMS && s.Phone != "":
		return ProveSMS{}
	case s.Method == countersign.MethodPasskey:
		return MakePasskey{}
	case len(missing) > 0:
		return Menu{Offered: missing}
	case len(verified) > 1 && !s.DefaultChosen:
		return ChooseDefault{}
	default:
		return Done{}
	}
}

// NeedsCode reports whether the wizard begins with an enrollment code: because the
// time for set-up after a reset is over, because the profile has no address to
// prove, or because a code was made and the user has not chosen to continue
// without it.
func NeedsCode(f Facts) bool {
	s := f.Attempt.Enrollment
	if len(f.Factors) > 0 || s.CodeAccepted {
		return false
	}
	return s.NeedsCode || MustUseCode(f) || f.EnrollmentCode.Live(f.Now) && !s.CodeSkipped
}

// MustUseCode reports whether set-up is possible only with an enrollment code.
func MustUseCode(f Facts) bool {
	return f.Attempt.Enrollment.NeedsCode || f.lapsed() || f.User.Email == ""
}
