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
	// ProposeEmail: the address is asked for; nothing has been sent to it.
	ProposeEmail struct{}
	// ConfirmEmail: the address on file proves itself before the other one (ER-02).
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

func (ProposeEmail) stage()  {}
func (ConfirmEmail) stage()  {}
func (ProveEmail) stage()    {}
func (Menu) stage()          {}
func (ProveSMS) stage()      {}
func (MakePasskey) stage()   {}
func (ChooseDefault) stage() {}
func (Done) stage()          {}

// NextStage is where the wizard stands, from what was set up so far: verified
// are the user's methods, offered those that this installation can offer. A
// passkey is offered beside the others, and has no step of its own.
func NextStage(s countersign.Setup, verified []countersign.Factor, offered []countersign.Method) Stage {
	has := func(m countersign.Method) bool {
		return slices.ContainsFunc(verified, func(f countersign.Factor) bool { return f.Method == m })
	}
	missing := slices.DeleteFunc(slices.Clone(offered), func(m countersign.Method) bool {
		return m == countersign.Email || m == countersign.ByPasskey || slices.Contains(s.Verified, m) || slices.Contains(s.Skipped, m)
	})
	switch {
	case s.Method == countersign.Email && s.Confirm:
		return ConfirmEmail{}
	case s.Method == countersign.Email && s.Email != "":
		return ProveEmail{}
	case s.Method == countersign.Email || !has(countersign.Email):
		return ProposeEmail{}
	case s.Method == countersign.SMS && s.Phone != "":
		return ProveSMS{}
	case s.Method == countersign.ByPasskey:
		return MakePasskey{}
	case len(missing) > 0:
		return Menu{Offered: missing}
	case len(verified) > 1 && !s.Chosen:
		return ChooseDefault{}
	default:
		return Done{}
	}
}
