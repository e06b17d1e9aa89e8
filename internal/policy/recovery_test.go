package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"countersign"
)

// The rules for recovery codes, for opening set-up, and for enrollment codes.
func TestNextByACode(t *testing.T) {
	live := countersign.EnrollmentCode{Digest: "d", Expires: noon.Add(time.Hour)}
	left := countersign.RecoveryCodes{All: 8, Left: 1}
	tests := []struct {
		name   string
		change func(*Facts)
		want   Step
	}{
		{"turned to recovery codes (RC-01)", func(f *Facts) { f.RecoveryCodes, f.Attempt.Method = left, countersign.MethodRecovery }, AskRecovery{Left: 1}},
		{"codes are there, but were not turned to", func(f *Facts) { f.RecoveryCodes = left }, AskToken{Factor: email, Issue: true}},
		{"turned to codes, and none is left: the Default", func(f *Facts) { f.Attempt.Method = countersign.MethodRecovery }, AskToken{Factor: email, Issue: true}},
		{"a recovery code earns no trust", func(f *Facts) { f.Attempt.Proved = countersign.MethodRecovery }, Admit{Proof: countersign.ProofRecovery, Announce: true}},
		{"codes without a method: set-up", func(f *Facts) { f.RecoveryCodes, f.Factors = left, nil }, Enroll{}},
		{"reset, opened four times (RS-03)", func(f *Facts) { f.Factors, f.User.ResetUntil, f.User.EnrollmentOpenings = nil, noon.Add(time.Hour), 4 }, Enroll{}},
		{"reset, opened five times", func(f *Facts) { f.Factors, f.User.ResetUntil, f.User.EnrollmentOpenings = nil, noon.Add(time.Hour), 5 }, Refuse{RefusedOpenings}},
		{"opened five times, in the fifth wizard", func(f *Facts) {
			f.Factors, f.User.ResetUntil, f.User.EnrollmentOpenings, f.Attempt.Enrollment.Open = nil, noon.Add(time.Hour), 5, true
		}, Enroll{}},
		{"a code does not open by being made", func(f *Facts) { f.Factors, f.User.ResetUntil, f.EnrollmentCode = nil, noon, live }, Refuse{RefusedLapsed}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Next(facts(tt.change))); diff != "" {
				t.Errorf("next step (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNeedsCode(t *testing.T) {
	live := countersign.EnrollmentCode{Digest: "d", Expires: noon.Add(time.Hour)}
	over := live
	over.Tries = countersign.MaxEnrollmentTries
	tests := []struct {
		name        string
		change      func(*Facts)
		needs, must bool
	}{
		{"never set up", func(*Facts) {}, false, false},
		{"a code was made", func(f *Facts) { f.EnrollmentCode = live }, true, false},
		{"a code was made, and is over", func(f *Facts) { f.EnrollmentCode = over }, false, false},
		{"a code was made, and left out", func(f *Facts) { f.EnrollmentCode, f.Attempt.Enrollment.CodeSkipped = live, true }, false, false},
		{"no address in the profile", func(f *Facts) { f.User.Email = "" }, true, true},
		{"no address, and the code can't be left out", func(f *Facts) { f.User.Email, f.EnrollmentCode, f.Attempt.Enrollment.CodeSkipped = "", live, true }, true, true},
		{"the reset is over", func(f *Facts) { f.User.ResetUntil = noon }, true, true},
		{"set-up was closed when the password came", func(f *Facts) { f.Attempt.Enrollment.NeedsCode = true }, true, true},
		{"the code was right", func(f *Facts) { f.User.Email, f.Attempt.Enrollment.CodeAccepted = "", true }, false, true},
		{"set up already", func(f *Facts) { f.Factors, f.EnrollmentCode = []countersign.Factor{email}, live }, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := facts(func(f *Facts) { f.Factors = nil; tt.change(f) })
			if NeedsCode(f) != tt.needs || MustUseCode(f) != tt.must {
				t.Errorf("needs %v, must %v", NeedsCode(f), MustUseCode(f))
			}
		})
	}
}

// In any state, a recovery code never makes a device remembered, and never takes trust
// away.
func TestRecoveryNeverTouchesTrust(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawn(t)
		f.Attempt.Proved = countersign.MethodRecovery
		admit, ok := Next(f).(Admit)
		if !ok || admit.Proof != countersign.ProofRecovery {
			return
		}
		before, _ := f.exact()
		if after := f.After(admit, false); admit.Remember || !after.Proved.Equal(before.Proved) || after.Declined != before.Declined {
			t.Fatalf("trust changed from %+v to %+v", before, after)
		}
	})
}

// A replaced address gets notices for three days, and a second change within them doesn't
// silence the first (RS-06).
func TestKeptEmail(t *testing.T) {
	u := countersign.User{Email: "a@x.example"}
	if got := KeptEmail(u, "b@x.example", noon); got != "a@x.example" {
		t.Errorf("the first change keeps %q", got)
	}
	u = countersign.User{Email: "b@x.example", OldEmail: "a@x.example", EmailSince: noon}
	for wait, want := range map[time.Duration]string{OldEmail - 1: "a@x.example", OldEmail: "b@x.example"} {
		if got := KeptEmail(u, "c@x.example", noon.Add(wait)); got != want {
			t.Errorf("a second change after %v keeps %q, want %q", wait, got, want)
		}
	}
	if got := KeptEmail(u, "a@x.example", noon); got != "b@x.example" {
		t.Errorf("back to the first address keeps %q", got)
	}
	if RecentEmail(countersign.User{}, noon) || !RecentEmail(u, noon.Add(OldEmail-1)) || RecentEmail(u, noon.Add(OldEmail)) {
		t.Error("three days are not three days")
	}
}
