package policy

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"countersign"
)

var (
	noon   = time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)
	office = countersign.Client{IP: netip.MustParseAddr("203.0.113.7"), Browser: "Chrome", OS: "Windows"}
	email  = countersign.Factor{ID: "f1", Method: countersign.MethodEmail, Address: "b@demo.example"}
	app    = countersign.Factor{ID: "f2", Method: countersign.MethodApp, Default: true}

	passkey = countersign.Factor{ID: "f4", Method: countersign.MethodPasskey}
	week    = countersign.Preferences{TwoFactor: true, Days: 7, Network: countersign.NetworkExact, TokenLife: countersign.TokenLife}
)

// facts returns those of an enrolled user right after the password, on an unknown
// browser; change adapts them to a row of a table.
func facts(change func(*Facts)) Facts {
	f := Facts{
		Now:     noon,
		Agency:  week,
		User:    countersign.User{ID: "u1", Email: "b@demo.example"},
		Factors: []countersign.Factor{email},
		Attempt: countersign.Attempt{Password: true, Started: noon, Expires: noon.Add(AttemptLife)},
		Client:  office,
	}
	change(&f)
	return f
}

// alone makes the attempt a passkey that verified its user, without a password, in an
// agency that allows it.
func alone(f *Facts) {
	f.Agency.PasskeySignIn = true
	f.Factors = append(f.Factors, passkey)
	f.Attempt.Password, f.Attempt.Proved, f.Attempt.PasskeyOnly = false, countersign.MethodPasskey, true
}

// proved makes the browser known, with a second factor at t.
func proved(f *Facts, t time.Time) {
	f.Known = true
	f.Devices = []countersign.Device{{ID: "d1", Client: office, Proved: t, LastToken: t, LastSeen: t, FirstSeen: t}}
}

func TestNext(t *testing.T) {
	ask := AskToken{Factor: email, Issue: true}
	remembered := Admit{Proof: countersign.ProofRemembered}
	tests := []struct {
		name   string
		change func(*Facts)
		want   Step
	}{
		{"no password yet", func(f *Facts) { f.Attempt.Password = false }, AskPassword{}},
		{"password, nothing else: a token by the only method", func(*Facts) {}, ask},
		{"ten minutes are over", func(f *Facts) { f.Now = f.Attempt.Expires }, Refuse{RefusedExpired}},
		{"one millisecond before they are over", func(f *Facts) { f.Now = f.Attempt.Expires.Add(-time.Millisecond) }, ask},
		{"three failures (M30)", func(f *Facts) { f.Attempt.Failures = 3 }, Refuse{RefusedFailures}},
		{"three failures, then the right token", func(f *Facts) { f.Attempt.Failures = 3; f.Attempt.Proved = countersign.MethodEmail }, Refuse{RefusedFailures}},
		{"disabled", func(f *Facts) { f.User.Disabled = true }, Refuse{RefusedDisabled}},
		{"disabled while the token was on its way", func(f *Facts) { f.User.Disabled = true; f.Attempt.Proved = countersign.MethodEmail }, Refuse{RefusedDisabled}},
		{"2FA Off", func(f *Facts) { f.Agency.TwoFactor = false }, Admit{Proof: countersign.ProofPassword, Announce: true}},
		{"2FA Off, and not set up", func(f *Facts) { f.Agency.TwoFactor = false; f.Factors = nil }, Admit{Proof: countersign.ProofPassword, Announce: true}},
		{"right token", func(f *Facts) { f.Attempt.Proved = countersign.MethodEmail }, Admit{Proof: countersign.ProofEmail, Remember: true, Announce: true}},
		{"right token at frequency 0 earns no trust", func(f *Facts) { f.Attempt.Proved = countersign.MethodEmail; f.Agency.Days = 0 }, Admit{Proof: countersign.ProofEmail, Announce: true}},
		{"right token from an unknown network earns no trust", func(f *Facts) { f.Attempt.Proved = countersign.MethodEmail; f.Client.IP = netip.Addr{} }, Admit{Proof: countersign.ProofEmail, Announce: true}},
		{"asked, remembered meanwhile: still asked", func(f *Facts) { f.Attempt.TokenAsked = true; proved(f, noon.Add(-time.Hour)) }, ask},
		{"asked, remembered meanwhile: the right token", func(f *Facts) {
			f.Attempt.TokenAsked, f.Attempt.Proved = true, countersign.MethodEmail
			proved(f, noon.Add(-time.Hour))
		}, Admit{Proof: countersign.ProofEmail, Remember: true}},
		{"asked, 2FA Off meanwhile: still asked", func(f *Facts) { f.Attempt.TokenAsked, f.Agency.TwoFactor = true, false }, ask},
		{"asked, 2FA Off meanwhile: the right token, which earns no trust", func(f *Facts) {
			f.Attempt.TokenAsked, f.Attempt.Proved, f.Agency.TwoFactor = true, countersign.MethodEmail, false
		}, Admit{Proof: countersign.ProofEmail, Announce: true}},
		{"asked, its methods are gone", func(f *Facts) { f.Attempt.TokenAsked, f.Factors = true, nil }, Refuse{RefusedExpired}},
		{"never set up (ER-01)", func(f *Facts) { f.Factors = nil }, Enroll{}},
		{"never set up, on a remembered device", func(f *Facts) { f.Factors = nil; proved(f, noon.Add(-time.Hour)) }, Enroll{}},
		{"never set up, without an address", func(f *Facts) { f.Factors = nil; f.User.Email = "" }, Refuse{RefusedNoEmail}},
		{"reset, in time (M27)", func(f *Facts) { f.Factors = nil; f.User.ResetUntil = noon.Add(time.Millisecond) }, Enroll{}},
		{"reset, 24 hours are over (RS-03)", func(f *Facts) { f.Factors = nil; f.User.ResetUntil = noon }, Refuse{RefusedLapsed}},
		{"the wizard is open, its email is proved", func(f *Facts) { f.Attempt.Enrollment.Open = true; f.Attempt.Proved = countersign.MethodEmail }, Enroll{}},
		{"remembered (M8)", func(f *Facts) { proved(f, noon.Add(-7*Day+time.Millisecond)) }, remembered},
		{"seven days are over", func(f *Facts) { proved(f, noon.Add(-7*Day)) }, ask},
		{"remembered, but the cookie is gone", func(f *Facts) { proved(f, noon.Add(-time.Hour)); f.Known = false }, ask},
		{"remembered, another address (M10)", func(f *Facts) { proved(f, noon.Add(-time.Hour)); f.Client.IP = netip.MustParseAddr("198.51.100.1") }, ask},
		{"remembered, another browser", func(f *Facts) { proved(f, noon.Add(-time.Hour)); f.Client.Browser = "Edge" }, ask},
		{"remembered, another system (M9)", func(f *Facts) { proved(f, noon.Add(-time.Hour)); f.Client.OS = "Android" }, ask},
		{"remembered, frequency 0 (M28)", func(f *Facts) { proved(f, noon.Add(-time.Hour)); f.Agency.Days = 0 }, ask},
		{"proved in the future, frequency 0", func(f *Facts) { proved(f, noon.Add(time.Hour)); f.Agency.Days = 0 }, ask},
		{"proved in the future, by the skew", func(f *Facts) { proved(f, noon.Add(Skew)) }, remembered},
		{"proved in the future, by more than the skew", func(f *Facts) { proved(f, noon.Add(Skew+time.Millisecond)) }, ask},
		{"remembered administrator", func(f *Facts) { proved(f, noon.Add(-time.Hour)); f.User.Rights = countersign.AgencyRights }, remembered},
		{"remembered administrator, always asked (DV-07)", func(f *Facts) {
			proved(f, noon.Add(-time.Hour))
			f.User.Rights, f.Agency.AdminAlways = countersign.AgencyRights, true
		}, ask},
		{"the Default decides (M21)", func(f *Facts) { f.Factors = append(f.Factors, app) }, AskToken{Factor: app}},
		{"another way was chosen", func(f *Facts) { f.Factors = append(f.Factors, app); f.Attempt.Method = countersign.MethodEmail }, ask},
		{"the token was sent", func(f *Facts) {
			f.Attempt.Challenge = countersign.Challenge{Method: countersign.MethodEmail, Factor: "f1", Digest: []byte{1}, Issued: noon, Expires: noon.Add(time.Minute)}
		}, AskToken{Factor: email}},
		{"the token that was sent is over", func(f *Facts) {
			f.Attempt.Challenge = countersign.Challenge{Method: countersign.MethodEmail, Factor: "f1", Digest: []byte{1}, Issued: noon.Add(-time.Minute), Expires: noon}
		}, AskToken{Factor: email, Stale: true}},
		{"a passkey is asked for: nothing is sent", func(f *Facts) {
			f.Factors = []countersign.Factor{email, passkey}
			f.Attempt.Method = countersign.MethodPasskey
		}, AskToken{Factor: passkey}},
		{"nothing is Default: the passkey is the strongest", func(f *Facts) {
			f.Factors = []countersign.Factor{email, {ID: "f2", Method: countersign.MethodApp}, passkey}
		}, AskToken{Factor: passkey}},
		{"password and passkey", func(f *Facts) { f.Factors = append(f.Factors, passkey); f.Attempt.Proved = countersign.MethodPasskey }, Admit{Proof: countersign.ProofPasskey, Remember: true, Announce: true}},
		{"a passkey alone (PASSKEYSIGNIN)", alone, Admit{Proof: countersign.ProofPasskey, Remember: true, Announce: true}},
		{"a passkey alone, 2FA Off: it says what was proved", func(f *Facts) { alone(f); f.Agency.TwoFactor = false }, Admit{Proof: countersign.ProofPasskey, Announce: true}},
		{"a passkey alone, frequency 0 (M28)", func(f *Facts) { alone(f); f.Agency.Days = 0 }, Admit{Proof: countersign.ProofPasskey, Announce: true}},
		{"a passkey alone, not allowed", func(f *Facts) { alone(f); f.Agency.PasskeySignIn = false }, AskPassword{}},
		{"a passkey alone, its user not verified", func(f *Facts) { alone(f); f.Attempt.PasskeyOnly = false }, AskPassword{}},
		{"a passkey alone, removed meanwhile", func(f *Facts) { alone(f); f.Factors = f.Factors[:1] }, AskPassword{}},
		{"another proof is never alone", func(f *Facts) { alone(f); f.Attempt.Proved = countersign.MethodApp }, AskPassword{}},
		{"a passkey alone, disabled", func(f *Facts) { alone(f); f.User.Disabled = true }, Refuse{RefusedDisabled}},
		{"a passkey alone, too late", func(f *Facts) { alone(f); f.Now = f.Attempt.Expires }, Refuse{RefusedExpired}},
		{"a passkey alone, after three failures", func(f *Facts) { alone(f); f.Attempt.Failures = 3 }, Refuse{RefusedFailures}},
		{"a passkey alone never leaves a wizard", func(f *Facts) { alone(f); f.Attempt.Enrollment.Open = true }, Enroll{}},
		{"same /64 (M11)", func(f *Facts) {
			proved(f, noon.Add(-time.Hour))
			f.Devices[0].Client.IP, f.Client.IP = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
		}, remembered},
		{"another /64", func(f *Facts) {
			proved(f, noon.Add(-time.Hour))
			f.Devices[0].Client.IP, f.Client.IP = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8:0:1::1")
		}, ask},
		{"nearby address, Neighbourhood", func(f *Facts) {
			proved(f, noon.Add(-time.Hour))
			f.Agency.Network, f.Client.IP = countersign.NetworkNeighborhood, netip.MustParseAddr("203.0.113.200")
		}, Admit{Proof: countersign.ProofRemembered, Announce: true}},
		{"far address, Any", func(f *Facts) {
			proved(f, noon.Add(-time.Hour))
			f.Agency.Network, f.Client.IP = countersign.NetworkAny, netip.MustParseAddr("198.51.100.1")
		}, Admit{Proof: countersign.ProofRemembered, Announce: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Next(facts(tt.change))); diff != "" {
				t.Errorf("next step (-want +got):\n%s", diff)
			}
		})
	}
}

// drawn returns random facts, consistent or not.
func drawn(t *rapid.T) Facts {
	instant := func(name string) time.Time {
		return noon.Add(time.Duration(rapid.Int64Range(-40*86400, 40*86400).Draw(t, name)) * time.Second)
	}
	clients := []countersign.Client{office, {Browser: "Chrome", OS: "Windows"}, {IP: office.IP, Browser: "Edge", OS: "Android"},
		{IP: netip.MustParseAddr("2001:db8::1"), Browser: "Other", OS: "Other", Product: "curl"}}
	f := Facts{
		Now: noon,
		Agency: countersign.Preferences{
			TwoFactor:   rapid.Bool().Draw(t, "on"),
			Days:        rapid.SampledFrom([]int{0, 1, 7, 30, 365}).Draw(t, "days"),
			AdminAlways: rapid.Bool().Draw(t, "always"),

			PasskeySignIn: rapid.Bool().Draw(t, "passkey sign-in"),
			Network:       rapid.SampledFrom([]string{countersign.NetworkExact, countersign.NetworkNeighborhood, countersign.NetworkAny}).Draw(t, "network"),
		},
		User: countersign.User{
			ID:       "u1",
			Email:    rapid.SampledFrom([]string{"", "b@demo.example"}).Draw(t, "email"),
			Disabled: rapid.Bool().Draw(t, "disabled"),
			Rights:   rapid.SampledFrom([][]countersign.Right{nil, countersign.AgencyRights}).Draw(t, "rights"),
		},
		Factors: rapid.SampledFrom([][]countersign.Factor{nil, {email}, {email, app}, {email, passkey}}).Draw(t, "factors"),
		Client:  rapid.SampledFrom(clients).Draw(t, "client"),
		Known:   rapid.Bool().Draw(t, "known"),
		Attempt: countersign.Attempt{
			Password:    rapid.Bool().Draw(t, "password"),
			TokenAsked:  rapid.Bool().Draw(t, "asked"),
			Proved:      rapid.SampledFrom([]countersign.Method{"", countersign.MethodEmail, countersign.MethodApp, countersign.MethodPasskey}).Draw(t, "proved"),
			PasskeyOnly: rapid.Bool().Draw(t, "alone"),
			Failures:    rapid.IntRange(0, 4).Draw(t, "failures"),
			Method:      rapid.SampledFrom([]countersign.Method{"", countersign.MethodEmail, countersign.MethodSMS}).Draw(t, "method"),
			Expires:     instant("expires"),
		},
	}
	f.Attempt.Enrollment.Open = rapid.Bool().Draw(t, "wizard")
	if rapid.Bool().Draw(t, "reset") {
		f.User.ResetUntil = instant("until")
	}
	for range rapid.IntRange(0, 3).Draw(t, "devices") {
		d := countersign.Device{Client: rapid.SampledFrom(clients).Draw(t, "device")}
		if rapid.Bool().Draw(t, "trusted") {
			d.Proved = instant("proved at")
		}
		f.Devices = append(f.Devices, d)
	}
	return f
}

// Without the password, only a passkey admits: one that verified its user, that the user
// still has and the agency allows. With 2FA On, only a proof or a remembered device admits.
func TestNobodyWalksIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawn(t)
		admit, ok := Next(f).(Admit)
		if !ok {
			return
		}
		alone := f.Agency.PasskeySignIn && f.Attempt.PasskeyOnly && f.Attempt.Proved == countersign.MethodPasskey && f.has(countersign.MethodPasskey)
		switch {
		case !f.Attempt.Password && !alone, f.User.Disabled, f.Attempt.Failures >= MaxFailures, !f.Now.Before(f.Attempt.Expires):
			t.Fatalf("admitted: %+v", f)
		case f.Agency.TwoFactor && f.Attempt.Proved == "" && !f.Remembered():
			t.Fatalf("admitted without a second factor: %+v", f)
		case admit.Remember && f.Attempt.Proved == "":
			t.Fatalf("trusted without a second factor: %+v", f)
		case !f.Attempt.Password && admit.Proof != countersign.ProofPasskey:
			t.Fatalf("says that a password was proved: %+v", f)
		case admit.Proof == countersign.ProofPasskey && f.Attempt.Proved != countersign.MethodPasskey:
			t.Fatalf("says more than was proved: %+v", f)
		case admit.Proof == countersign.Proof(countersign.MethodEmail) && f.Attempt.Proved != countersign.MethodEmail:
			t.Fatalf("says more than was proved: %+v", f)
		}
	})
}

// Once a token was asked for, only a proof admits, whatever else has changed since; and a
// proof always does.
func TestAnAskedAttemptIsAdmittedByAProofAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawn(t)
		f.Attempt.TokenAsked, f.Attempt.Enrollment.Open = true, false
		admit, ok := Next(f).(Admit)
		if ok && (f.Attempt.Proved == "" || admit.Proof != countersign.Proof(f.Attempt.Proved)) {
			t.Fatalf("admitted by %q: %+v", admit.Proof, f)
		}
		f.Attempt.Proved = ""
		_, asks := Next(f).(AskToken)
		f.Attempt.Proved = countersign.MethodEmail
		if _, ok := Next(f).(Admit); asks && !ok {
			t.Fatalf("a right token was not enough: %+v", f)
		}
	})
}

// Time alone never admits a user who was not admitted before.
func TestWaitingNeverHelps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawn(t)
		for i := range f.Devices { // within the skew, a corrected clock may bring trust back
			if f.Devices[i].Proved.After(f.Now) {
				f.Devices[i].Proved = f.Now
			}
		}
		_, before := Next(f).(Admit)
		f.Now = f.Now.Add(time.Duration(rapid.Int64Range(0, 100*86400).Draw(t, "wait")) * time.Second)
		if _, after := Next(f).(Admit); after && !before {
			t.Fatalf("waiting helped: %+v", f)
		}
	})
}

// A correct token never makes things worse for its user.
func TestAProofNeverHurts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawn(t)
		f.Attempt.Proved = ""
		_, before := Next(f).(Admit)
		f.Attempt.Proved = countersign.MethodApp
		if _, after := Next(f).(Admit); before && !after {
			t.Fatalf("a proof hurt: %+v", f)
		}
	})
}

// A frequency of 0 asks everyone for a token at every sign-in (M28).
func TestFrequencyZeroAlwaysAsks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawn(t)
		f.Agency.TwoFactor, f.Agency.Days, f.Attempt.Proved = true, 0, ""
		if step, ok := Next(f).(Admit); ok {
			t.Fatalf("admitted by %v: %+v", step, f)
		}
	})
}
