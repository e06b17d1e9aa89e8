package policy

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"countersign"
)

func TestWhyAsked(t *testing.T) {
	last := noon.Add(-8 * Day)
	tests := []struct {
		name   string
		change func(*Facts)
		want   Why
	}{
		{"a new device", func(*Facts) {}, Why{Code: "why.new_device"}},
		{"days are over", func(f *Facts) { proved(f, last) }, Why{Code: "why.frequency", Days: 7, Last: last}},
		{"every time", func(f *Facts) { proved(f, last); f.Agency.Days = 0 }, Why{Code: "why.every_time"}},
		{"the network changed", func(f *Facts) { proved(f, last); f.Client.IP = netip.MustParseAddr("192.0.2.44") },
			Why{Code: "why.network", Was: "203.0.113.7", Is: "192.0.2.44"}},
		{"the network is not known", func(f *Facts) { proved(f, last); f.Client.IP = netip.Addr{} }, Why{Code: "why.network_unknown"}},
		{"another browser", func(f *Facts) { proved(f, last); f.Client.Browser = "Edge" }, Why{Code: "why.browser", Was: "Chrome", Is: "Edge"}},
		{"another system", func(f *Facts) { proved(f, last); f.Client.OS = "macOS" }, Why{Code: "why.system", Was: "Windows", Is: "macOS"}},
		{"forgotten by oneself", func(f *Facts) {
			proved(f, last)
			f.Devices[0].Proved, f.Devices[0].Forgotten, f.Devices[0].ForgottenReason = time.Time{}, noon, countersign.ForgottenByUser
		}, Why{Code: "why.forgotten", Last: noon, Is: "by you"}},
		{"methods changed", func(f *Facts) {
			proved(f, last)
			f.Devices[0].Proved, f.Devices[0].Forgotten, f.Devices[0].ForgottenReason = time.Time{}, noon, countersign.ForgottenMethods
		}, Why{Code: "why.method_changed"}},
		{"not to be remembered", func(f *Facts) { proved(f, last); f.Devices[0].Proved, f.Devices[0].Declined = time.Time{}, true }, Why{Code: "why.not_remembered"}},
		{"turned on since", func(f *Facts) {
			proved(f, last)
			f.Devices[0].Proved, f.Devices[0].LastToken = time.Time{}, time.Time{}
			f.Agency.Since = noon
		}, Why{Code: "why.turned_on", Last: noon}},
		{"the clock was set back", func(f *Facts) { proved(f, noon.Add(time.Hour)) }, Why{Code: "why.clock"}},
		{"administrators", func(f *Facts) {
			proved(f, last)
			f.Agency.AdminAlways, f.User.Rights = true, countersign.AgencyRights
		}, Why{Code: "why.administrator"}},
		{"somebody else's browser", func(f *Facts) { f.Known = true }, Why{Code: "why.new_device"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, WhyAsked(facts(tt.change))); diff != "" {
				t.Errorf("why (-want +got):\n%s", diff)
			}
		})
	}
}

// Only a second factor renews the time of a device. A sign-in without one leaves it, and
// one that is declined or earns no trust clears it.
func TestAfter(t *testing.T) {
	last := noon.Add(-Day)
	remembered := facts(func(f *Facts) { proved(f, last) })
	if got := remembered.After(Admit{}, false).Proved; !got.Equal(last) {
		t.Errorf("a remembered sign-in moved the proof from %v to %v", last, got)
	}
	again := facts(func(f *Facts) { proved(f, last); f.Attempt.Proved = countersign.MethodEmail })
	if got := again.After(Admit{Remember: true}, false).Proved; !got.Equal(noon) {
		t.Errorf("proved at %v, want %v", got, noon)
	}
	if got := again.After(Admit{Remember: true}, true); !got.Proved.IsZero() || !got.Declined {
		t.Errorf("declined, but kept: %+v", got)
	}
	if got := again.After(Admit{}, false); !got.Proved.IsZero() {
		t.Errorf("earned no trust, but got it: %+v", got)
	}
}

// A disowned browser at another address stays unknown without a second factor, and is
// known with one (DV-08).
func TestADisownedBrowserStaysUnknownElsewhere(t *testing.T) {
	elsewhere := facts(func(f *Facts) {
		proved(f, noon.Add(-Day))
		f.Devices[0].Proved, f.Devices[0].Forgotten, f.Devices[0].ForgottenReason = time.Time{}, noon.Add(-time.Hour), countersign.ForgottenByUser
		f.Client.IP = netip.MustParseAddr("203.0.113.9")
	})
	for _, by := range []countersign.Method{"", countersign.MethodRecovery} {
		elsewhere.Attempt.Proved = by
		if d := elsewhere.After(Admit{}, false); KnownBrowser([]countersign.Device{d}) {
			t.Errorf("known by %q: %+v", by, d)
		}
	}
	elsewhere.Attempt.Proved = countersign.MethodEmail
	if d := elsewhere.After(Admit{}, false); !KnownBrowser([]countersign.Device{d}) {
		t.Errorf("not known after a second factor: %+v", d)
	}
}

// A copied cookie appears with another browser and another system at once.
func TestCopied(t *testing.T) {
	f := facts(func(f *Facts) { proved(f, noon); f.Client.Browser, f.Client.OS = "Firefox", "Linux" })
	if !f.Copied() {
		t.Error("another browser and another system is not seen as a copy")
	}
	f.Client.OS = "Windows"
	if f.Copied() {
		t.Error("another browser on the same system is seen as a copy")
	}
}

// Trust that has ended or was forgotten does not come back by itself, whatever the clock
// does (DV-05).
func TestTrustIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawn(t)
		if !f.Remembered() {
			return
		}
		for _, d := range f.Devices {
			age := f.Now.Sub(d.Proved)
			if !d.Proved.IsZero() && age >= -Skew && age < time.Duration(f.Agency.Days)*Day {
				return
			}
		}
		t.Fatalf("remembered without a recent proof: %+v", f)
	})
}
