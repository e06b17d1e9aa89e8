package policy

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"countersign"
)

var (
	all = []countersign.Method{countersign.MethodEmail, countersign.MethodApp, countersign.MethodSMS}
	sms = countersign.Factor{ID: "f3", Method: countersign.MethodSMS}
)

func TestNextStage(t *testing.T) {
	tests := []struct {
		name     string
		setup    countersign.Enrollment
		verified []countersign.Factor
		offered  []countersign.Method
		want     Stage
	}{
		{"first of all the address (M13)", countersign.Enrollment{}, nil, all, ProposeEmail{}},
		{"email cannot be skipped (M13)", countersign.Enrollment{Skipped: all}, nil, all, ProposeEmail{}},
		{"the address on file proves itself first (ER-02)", countersign.Enrollment{Method: countersign.MethodEmail, Email: "x@y.example", Confirm: true}, nil, all, ConfirmEmail{}},
		{"a token was sent to the address", countersign.Enrollment{Method: countersign.MethodEmail, Email: "x@y.example"}, nil, all, ProveEmail{}},
		{"email is done: two more (M16)", countersign.Enrollment{Verified: all[:1]}, []countersign.Factor{email}, all, Menu{Offered: all[1:]}},
		{"no text route: only the app", countersign.Enrollment{Verified: all[:1]}, []countersign.Factor{email}, all[:2], Menu{Offered: all[1:2]}},
		{"app is done: one more (M19)", countersign.Enrollment{Verified: all[:2]}, []countersign.Factor{email, app}, all, Menu{Offered: all[2:]}},
		{"the app was skipped: SMS is offered", countersign.Enrollment{Verified: all[:1], Skipped: all[1:2]}, []countersign.Factor{email}, all, Menu{Offered: all[2:]}},
		{"a token was sent to the number", countersign.Enrollment{Method: countersign.MethodSMS, Phone: "+16145550112"}, []countersign.Factor{email}, all, ProveSMS{}},
		{"all three: choose the Default (M20)", countersign.Enrollment{Verified: all}, []countersign.Factor{email, app, sms}, all, ChooseDefault{}},
		{"two, the third skipped: choose", countersign.Enrollment{Verified: all[:2], Skipped: all}, []countersign.Factor{email, app}, all, ChooseDefault{}},
		{"email only, the rest skipped: nothing to choose", countersign.Enrollment{Verified: all[:1], Skipped: all}, []countersign.Factor{email}, all, Done{}},
		{"a passkey has no step of its own", countersign.Enrollment{Verified: all}, []countersign.Factor{email, app, sms}, append(slices.Clone(all), countersign.MethodPasskey), ChooseDefault{}},
		{"email and a passkey, the rest skipped: choose", countersign.Enrollment{Verified: all[:1], Skipped: all}, []countersign.Factor{email, passkey}, all, ChooseDefault{}},
		{"only a passkey is made", countersign.Enrollment{Method: countersign.MethodPasskey, Skipped: all, DefaultChosen: true}, []countersign.Factor{email}, all, MakePasskey{}},
		{"it is made, or left", countersign.Enrollment{Skipped: all, DefaultChosen: true}, []countersign.Factor{email}, all, Done{}},
		{"chosen", countersign.Enrollment{Verified: all, DefaultChosen: true}, []countersign.Factor{email, app, sms}, all, Done{}},
		{"from the User Profile: a phone can be replaced (M34)", countersign.Enrollment{}, []countersign.Factor{email, sms}, all, Menu{Offered: all[1:]}},
		{"from the User Profile: the address can be replaced (M34)", countersign.Enrollment{Method: countersign.MethodEmail, Email: "x@y.example"}, []countersign.Factor{email, sms}, all, ProveEmail{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, NextStage(tt.setup, tt.verified, tt.offered)); diff != "" {
				t.Errorf("stage (-want +got):\n%s", diff)
			}
		})
	}
}

// Every path through the wizard, whatever is added and skipped in any order, ends with a
// verified email address.
func TestEveryWalkEndsWithAnEmail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s countersign.Enrollment
		var verified []countersign.Factor
		add := func(m countersign.Method) {
			verified = append(verified, countersign.Factor{Method: m})
			s.Verified, s.Method, s.Phone = append(s.Verified, m), "", ""
		}
		for range 20 {
			switch stage := NextStage(s, verified, all).(type) {
			case ProposeEmail:
				s.Method, s.Email, s.Confirm = countersign.MethodEmail, "x@y.example", rapid.Bool().Draw(t, "other")
			case ConfirmEmail:
				s.Confirm = false
			case ProveEmail:
				add(countersign.MethodEmail)
			case Menu:
				m := rapid.SampledFrom(stage.Offered).Draw(t, "method")
				switch {
				case rapid.Bool().Draw(t, "skip"):
					s.Skipped = append(s.Skipped, m)
				case m == countersign.MethodSMS:
					s.Method, s.Phone = m, "+16145550112"
				default:
					add(m)
				}
			case ProveSMS:
				add(countersign.MethodSMS)
			case ChooseDefault:
				s.DefaultChosen = true
			case Done:
				if !slices.ContainsFunc(verified, func(f countersign.Factor) bool { return f.Method == countersign.MethodEmail }) {
					t.Fatal("done without a verified email")
				}
				return
			default:
				t.Fatalf("a stage of something that was not offered: %T", stage)
			}
		}
		t.Fatal("the wizard does not end")
	})
}
