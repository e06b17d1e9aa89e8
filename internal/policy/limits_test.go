package policy

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"countersign"
)

// The waits, one after another.
func TestWaits(t *testing.T) {
	const s, m = time.Second, time.Minute
	tests := []struct {
		name string
		lane countersign.LimitKey
		want map[int]time.Duration // by failures in a row; others: none
		upTo int
	}{
		{"passwords: 30 s after the fifth, doubling to an hour (TH-05)", countersign.LimitPassword, map[int]time.Duration{
			5: 30 * s, 6: m, 7: 2 * m, 8: 4 * m, 9: 8 * m, 10: 16 * m, 11: 32 * m, 12: 60 * m, 13: 60 * m, 14: 60 * m}, 14},
		{"passkeys alone: as passwords (TH-04)", countersign.LimitPasskey, map[int]time.Duration{
			5: 30 * s, 6: m, 7: 2 * m, 8: 4 * m, 9: 8 * m, 10: 16 * m, 11: 32 * m, 12: 60 * m, 13: 60 * m, 14: 60 * m}, 14},
		{"tokens: after the second failed sign-in, and each one after (TH-03)", countersign.LimitOf(countersign.MethodEmail), map[int]time.Duration{
			6: 30 * s, 9: m, 12: 5 * m, 15: 15 * m, 18: 30 * m, 21: 60 * m, 24: 60 * m}, 26},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for n := range tt.upTo + 1 {
				if got := BackoffFor(tt.lane).Wait(n); got != tt.want[n] {
					t.Errorf("after %d failures: %v, want %v", n, got, tt.want[n])
				}
			}
		})
	}
}

func TestGuess(t *testing.T) {
	// failed returns a window whose failures are a second apart, the last of them so long ago.
	failed := func(n int, ago time.Duration) (w countersign.Window) {
		for i := range n {
			w.Failed = append(w.Failed, noon.Add(-ago-time.Duration(n-1-i)*time.Second))
		}
		return w
	}
	flying := func(w countersign.Window, n int) countersign.Window { w.InFlight = n; return w }
	full := failed(1000, 0)
	full.Failed = append(full.Failed[:880], slices.Repeat([]time.Time{noon.Add(-9 * time.Minute)}, 120)...)
	everything := countersign.SharedState{All: full, Wide: full, Logins: full, Agency: noon.Add(-9 * time.Minute)}
	network := func(after time.Duration, alarm bool) Decision {
		return Decision{Code: DecisionNetwork, Until: noon.Add(after), Alarm: alarm}
	}
	tests := []struct {
		name  string
		lane  countersign.LimitKey
		tally countersign.LimitState
		crowd countersign.SharedState
		want  Decision
	}{
		{"nothing happened", countersign.LimitPassword, countersign.LimitState{}, countersign.SharedState{}, Decision{}},
		{"four failures", countersign.LimitPassword, countersign.LimitState{Failures: 4}, countersign.SharedState{}, Decision{}},
		{"four failures and one under way", countersign.LimitPassword, countersign.LimitState{Failures: 4, InFlight: 1}, countersign.SharedState{}, Decision{Code: DecisionBusy}},
		{"five under way", countersign.LimitPassword, countersign.LimitState{InFlight: 5}, countersign.SharedState{}, Decision{Code: DecisionBusy}},
		{"it waits", countersign.LimitPassword, countersign.LimitState{Failures: 5, Until: noon.Add(time.Second)}, countersign.SharedState{}, Decision{Code: DecisionPassword, Until: noon.Add(time.Second)}},
		{"the wait is over this very moment", countersign.LimitPassword, countersign.LimitState{Failures: 5, Until: noon}, countersign.SharedState{}, Decision{}},
		{"closed", countersign.LimitPassword, countersign.LimitState{Failures: 50, Closed: noon.Add(-Day)}, countersign.SharedState{}, Decision{Code: DecisionClosed}},
		{"the network is full (TH-04)", countersign.LimitPassword, countersign.LimitState{}, countersign.SharedState{All: full}, network(time.Minute, false)},
		{"the /48 is full", countersign.LimitPassword, countersign.LimitState{}, countersign.SharedState{Wide: full}, network(time.Minute, false)},
		{"twenty user IDs", countersign.LimitPassword, countersign.LimitState{}, countersign.SharedState{Logins: full}, network(time.Minute, true)},
		{"the agency is full (TN-02)", countersign.LimitPassword, countersign.LimitState{}, countersign.SharedState{Agency: noon.Add(-9 * time.Minute)}, Decision{Code: DecisionShared, Until: noon.Add(time.Minute), Alarm: true}},
		{"nine user IDs have failed", countersign.LimitPassword, countersign.LimitState{}, countersign.SharedState{Logins: failed(9, 0)}, Decision{}},
		{"nine, and one is under way", countersign.LimitPassword, countersign.LimitState{}, countersign.SharedState{Logins: flying(failed(9, 0), 1)}, Decision{Code: DecisionBusy}},
		{"ten: the next in a minute (TH-09)", countersign.LimitPassword, countersign.LimitState{}, countersign.SharedState{Logins: failed(10, time.Second)}, network(59*time.Second, true)},
		{"ten, a minute ago", countersign.LimitPassword, countersign.LimitState{}, countersign.SharedState{Logins: failed(10, time.Minute)}, Decision{}},
		{"ten, a minute ago, and one is under way", countersign.LimitPassword, countersign.LimitState{}, countersign.SharedState{Logins: flying(failed(10, time.Minute), 1)}, Decision{Code: DecisionBusy}},
		{"twenty failures of others keep no one out (TH-09)", countersign.LimitPassword, countersign.LimitState{}, countersign.SharedState{All: failed(20, time.Minute), Logins: failed(4, 0)}, Decision{}},
		{"but one who has failed", countersign.LimitPassword, countersign.LimitState{}, countersign.SharedState{Again: true, All: failed(20, time.Minute)}, network(9*time.Minute-19*time.Second, false)},
		{"who is slowed after ten", countersign.LimitPassword, countersign.LimitState{}, countersign.SharedState{Again: true, All: failed(10, time.Second)}, network(59*time.Second, false)},
		{"and not before", countersign.LimitPassword, countersign.LimitState{}, countersign.SharedState{Again: true, All: failed(9, 0), Logins: failed(20, 0)}, Decision{}},
		{"a known device: nobody fills it (TH-05)", countersign.LimitPasswordKnown, countersign.LimitState{}, everything, Decision{}},
		{"a passkey alone waits", countersign.LimitPasskey, countersign.LimitState{Failures: 5, Until: noon.Add(time.Second)}, countersign.SharedState{}, Decision{Code: DecisionPasskey, Until: noon.Add(time.Second)}},
		{"no failures close a passkey, which nobody guesses", countersign.LimitPasskey, countersign.LimitState{Failures: 1000}, countersign.SharedState{}, Decision{}},
		{"a passkey waits with its network", countersign.LimitPasskey, countersign.LimitState{}, countersign.SharedState{All: full}, network(time.Minute, false)},
		{"a passkey on a known device", countersign.LimitPasskeyKnown, countersign.LimitState{}, everything, Decision{}},
		{"a known device waits for its own failures", countersign.LimitPasswordKnown, countersign.LimitState{Failures: 5, Until: noon.Add(time.Hour)}, countersign.SharedState{}, Decision{Code: DecisionPassword, Until: noon.Add(time.Hour)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := CheckLimit(noon, tt.lane, tt.tally, tt.crowd); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestTokensPause(t *testing.T) {
	bound := noon.Add(-Day)
	lane := func(t countersign.LimitState) map[countersign.LimitKey]countersign.LimitState {
		return map[countersign.LimitKey]countersign.LimitState{countersign.LimitOf(countersign.MethodEmail): t}
	}
	tests := []struct {
		name   string
		tokens TokenLimits
		method countersign.Method
		bound  time.Time
		want   string
	}{
		{"nothing happened", TokenLimits{}, countersign.MethodEmail, bound, ""},
		{"it waits", TokenLimits{Limits: lane(countersign.LimitState{Failures: 6, Until: noon.Add(time.Second)})}, countersign.MethodEmail, bound, DecisionToken},
		{"it waits in the wizard too (TH-02)", TokenLimits{Limits: lane(countersign.LimitState{Failures: 6, Until: noon.Add(time.Second)})}, countersign.MethodEmail, time.Time{}, DecisionToken},
		{"another method does not wait", TokenLimits{Limits: lane(countersign.LimitState{Failures: 6, Until: noon.Add(time.Second)})}, countersign.MethodApp, bound, ""},
		{"stopped for the day, by any method", TokenLimits{DayEnd: noon.Add(time.Second)}, countersign.MethodApp, bound, DecisionStopped},
		{"the oldest falls out this very moment", TokenLimits{DayEnd: noon}, countersign.MethodApp, bound, ""},
		{"closed", TokenLimits{Limits: lane(countersign.LimitState{Closed: noon.Add(-time.Hour)})}, countersign.MethodEmail, bound, DecisionUnbound},
		{"bound again since", TokenLimits{Limits: lane(countersign.LimitState{Closed: noon.Add(-time.Hour)})}, countersign.MethodEmail, noon, ""},
		{"closed, and being set up anew", TokenLimits{Limits: lane(countersign.LimitState{Closed: noon.Add(-time.Hour)})}, countersign.MethodEmail, time.Time{}, ""},
		{"a passkey waits for nothing", TokenLimits{DayEnd: noon.Add(Day), Limits: map[countersign.LimitKey]countersign.LimitState{"token-passkey": {Closed: noon, Until: noon.Add(Day)}}}, "passkey", bound, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.tokens.Decide(noon, tt.method, tt.bound).Code; got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestKnownBrowser(t *testing.T) {
	seen := countersign.Device{FirstSeen: noon}
	with := func(change func(*countersign.Device)) countersign.Device { d := seen; change(&d); return d }
	tests := []struct {
		name string
		all  []countersign.Device
		want bool
	}{
		{"never seen", nil, false},
		{"signed in from, not remembered", []countersign.Device{seen}, true},
		{"forgotten as the password changed", []countersign.Device{with(func(d *countersign.Device) { d.ForgottenReason = countersign.ForgottenPassword })}, true},
		{"forgotten by the user: the next one at that desk is not he", []countersign.Device{with(func(d *countersign.Device) { d.ForgottenReason = countersign.ForgottenByUser })}, false},
		{"a copied cookie", []countersign.Device{with(func(d *countersign.Device) { d.ForgottenReason = countersign.ForgottenCopied })}, false},
		{"a computer that other people use", []countersign.Device{with(func(d *countersign.Device) { d.Declined = true })}, false},
	}
	for _, tt := range tests {
		if got := KnownBrowser(tt.all); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// However tries and waits follow each other, by either backoff, no more tries are accepted
// in an hour than the waits allow, and none during a wait (TH-03).
func TestNoGuessDuringAWait(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lane := rapid.SampledFrom([]countersign.LimitKey{countersign.LimitPassword, countersign.LimitPasswordKnown, countersign.LimitOf(countersign.MethodApp)}).Draw(t, "lane")
		road, tally, now := BackoffFor(lane), countersign.LimitState{}, noon
		taken := 0
		for range rapid.IntRange(1, 200).Draw(t, "guesses") {
			now = now.Add(time.Duration(rapid.Int64Range(0, 4000).Draw(t, "pause")) * time.Second / 4)
			if p := queue(now, lane, tally); p.Code != "" {
				if !now.Before(p.Until) && p.Code != DecisionClosed {
					t.Fatalf("refused at %v although it waits until %v", now, p.Until)
				}
				continue
			}
			if now.Before(tally.Until) {
				t.Fatalf("taken at %v during a wait until %v", now, tally.Until)
			}
			tally.Failures++
			taken++
			if wait := road.Wait(tally.Failures); wait > 0 {
				tally.Until = now.Add(wait)
			}
			if lane.IsPassword() && Closes(lane, tally.Failures) {
				tally.Closed = now
			}
		}
		if lane.IsPassword() && taken > road.Cap {
			t.Fatalf("%d passwords were taken", taken)
		}
	})
}

// Waits never get shorter, and after each one a try is accepted.
func TestWaitsGrow(t *testing.T) {
	const half, minute = 30 * time.Second, time.Minute
	for lane, waits := range map[countersign.LimitKey][]time.Duration{
		countersign.LimitPassword:                  {half, minute, 2 * minute, 4 * minute, 8 * minute, 16 * minute, 32 * minute, 60 * minute, 60 * minute},
		countersign.LimitOf(countersign.MethodSMS): {half, minute, 5 * minute, 15 * minute, 30 * minute, 60 * minute, 60 * minute},
	} {
		road := BackoffFor(lane)
		for i, want := range waits {
			if got := road.Wait(road.First + i*road.Every); got != want {
				t.Errorf("%s: the %d. wait is %v, want %v", lane, i+1, got, want)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		road := BackoffFor(rapid.SampledFrom([]countersign.LimitKey{countersign.LimitPassword, countersign.LimitOf(countersign.MethodSMS)}).Draw(t, "lane"))
		n := rapid.IntRange(0, 200).Draw(t, "failures")
		if a, b := road.Wait(road.First+n*road.Every), road.Wait(road.First+(n+1)*road.Every); b < a || a < 30*time.Second || b > time.Hour {
			t.Fatalf("%v, then %v", a, b)
		}
		room := road.MaxConcurrent(n)
		if room < 1 {
			t.Fatalf("no room after %d failures", n)
		}
		for i := 1; i < room; i++ {
			if road.Wait(n+i) != 0 {
				t.Fatalf("after %d failures %d guesses may be under way, but the %d. begins a wait", n, room, i)
			}
		}
		if road.Wait(n+room) == 0 {
			t.Fatalf("after %d failures and %d more no wait begins", n, room)
		}
	})
}

// An attack on one agency never uses up another one's quota (TN-02).
func TestAgencyShare(t *testing.T) {
	for house, want := range map[int]int{0: 600, 2999: 600, 3000: 60, 1_000_000: 60} {
		if got := AgencyQuota(house); got != want {
			t.Errorf("after %d failures in the installation an agency may have %d, want %d", house, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		if share := AgencyQuota(rapid.IntRange(0, 1_000_000).Draw(t, "house")); share < LeastAgency {
			t.Fatalf("a share of %d", share)
		}
	})
}
