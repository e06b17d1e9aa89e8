package policy

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"countersign"
)

// The waits of 0.3, one after another.
func TestWaits(t *testing.T) {
	const s, m = time.Second, time.Minute
	tests := []struct {
		name string
		lane countersign.Lane
		want map[int]time.Duration // by failures in a row; others: none
		upTo int
	}{
		{"passwords: 30 s after the fifth, doubling to an hour (TH-05)", countersign.LaneUnknown, map[int]time.Duration{
			5: 30 * s, 6: m, 7: 2 * m, 8: 4 * m, 9: 8 * m, 10: 16 * m, 11: 32 * m, 12: 60 * m, 13: 60 * m, 14: 60 * m}, 14},
		{"passkeys alone: as passwords (TH-04)", countersign.LanePasskey, map[int]time.Duration{
			5: 30 * s, 6: m, 7: 2 * m, 8: 4 * m, 9: 8 * m, 10: 16 * m, 11: 32 * m, 12: 60 * m, 13: 60 * m, 14: 60 * m}, 14},
		{"tokens: after the second failed sign-in, and each one after (TH-03)", countersign.LaneOf(countersign.Email), map[int]time.Duration{
			6: 30 * s, 9: m, 12: 5 * m, 15: 15 * m, 18: 30 * m, 21: 60 * m, 24: 60 * m}, 26},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for n := range tt.upTo + 1 {
				if got := RoadOf(tt.lane).Wait(n); got != tt.want[n] {
					t.Errorf("after %d failures: %v, want %v", n, got, tt.want[n])
				}
			}
		})
	}
}

func TestGuess(t *testing.T) {
	// failed is a window whose failures are a second apart, the last of them so long ago.
	failed := func(n int, ago time.Duration) (w countersign.Window) {
		for i := range n {
			w.Failed = append(w.Failed, noon.Add(-ago-time.Duration(n-1-i)*time.Second))
		}
		return w
	}
	flying := func(w countersign.Window, n int) countersign.Window { w.InFlight = n; return w }
	full := failed(1000, 0)
	full.Failed = append(full.Failed[:880], slices.Repeat([]time.Time{noon.Add(-9 * time.Minute)}, 120)...)
	everything := countersign.Crowd{All: full, Wide: full, Names: full, Agency: noon.Add(-9 * time.Minute)}
	network := func(after time.Duration, alarm bool) Pause {
		return Pause{Code: PauseNetwork, Until: noon.Add(after), Alarm: alarm}
	}
	tests := []struct {
		name  string
		lane  countersign.Lane
		tally countersign.Tally
		crowd countersign.Crowd
		want  Pause
	}{
		{"nothing happened", countersign.LaneUnknown, countersign.Tally{}, countersign.Crowd{}, Pause{}},
		{"four failures", countersign.LaneUnknown, countersign.Tally{Failures: 4}, countersign.Crowd{}, Pause{}},
		{"four failures and one under way (V2)", countersign.LaneUnknown, countersign.Tally{Failures: 4, InFlight: 1}, countersign.Crowd{}, Pause{Code: PauseBusy}},
		{"five under way", countersign.LaneUnknown, countersign.Tally{InFlight: 5}, countersign.Crowd{}, Pause{Code: PauseBusy}},
		{"it waits (D-28)", countersign.LaneUnknown, countersign.Tally{Failures: 5, Until: noon.Add(time.Second)}, countersign.Crowd{}, Pause{Code: PausePassword, Until: noon.Add(time.Second)}},
		{"the wait is over this very moment", countersign.LaneUnknown, countersign.Tally{Failures: 5, Until: noon}, countersign.Crowd{}, Pause{}},
		{"closed", countersign.LaneUnknown, countersign.Tally{Failures: 50, Closed: noon.Add(-Day)}, countersign.Crowd{}, Pause{Code: PauseClosed}},
		{"the network is full (TH-04)", countersign.LaneUnknown, countersign.Tally{}, countersign.Crowd{All: full}, network(time.Minute, false)},
		{"the /48 is full", countersign.LaneUnknown, countersign.Tally{}, countersign.Crowd{Wide: full}, network(time.Minute, false)},
		{"twenty user IDs", countersign.LaneUnknown, countersign.Tally{}, countersign.Crowd{Names: full}, network(time.Minute, true)},
		{"the agency is full (TN-02)", countersign.LaneUnknown, countersign.Tally{}, countersign.Crowd{Agency: noon.Add(-9 * time.Minute)}, Pause{Code: PauseCrowd, Until: noon.Add(time.Minute), Alarm: true}},
		{"nine user IDs have failed", countersign.LaneUnknown, countersign.Tally{}, countersign.Crowd{Names: failed(9, 0)}, Pause{}},
		{"nine, and one is under way", countersign.LaneUnknown, countersign.Tally{}, countersign.Crowd{Names: flying(failed(9, 0), 1)}, Pause{Code: PauseBusy}},
		{"ten: the next in a minute (TH-09)", countersign.LaneUnknown, countersign.Tally{}, countersign.Crowd{Names: failed(10, time.Second)}, network(59*time.Second, true)},
		{"ten, a minute ago", countersign.LaneUnknown, countersign.Tally{}, countersign.Crowd{Names: failed(10, time.Minute)}, Pause{}},
		{"ten, a minute ago, and one is under way", countersign.LaneUnknown, countersign.Tally{}, countersign.Crowd{Names: flying(failed(10, time.Minute), 1)}, Pause{Code: PauseBusy}},
		{"twenty failures of others keep no one out (TH-09)", countersign.LaneUnknown, countersign.Tally{}, countersign.Crowd{All: failed(20, time.Minute), Names: failed(4, 0)}, Pause{}},
		{"but one who has failed", countersign.LaneUnknown, countersign.Tally{}, countersign.Crowd{Again: true, All: failed(20, time.Minute)}, network(9*time.Minute-19*time.Second, false)},
		{"who is slowed after ten", countersign.LaneUnknown, countersign.Tally{}, countersign.Crowd{Again: true, All: failed(10, time.Second)}, network(59*time.Second, false)},
		{"and not before", countersign.LaneUnknown, countersign.Tally{}, countersign.Crowd{Again: true, All: failed(9, 0), Names: failed(20, 0)}, Pause{}},
		{"a known device: nobody fills it (TH-05)", countersign.LaneKnown, countersign.Tally{}, everything, Pause{}},
		{"a passkey alone waits", countersign.LanePasskey, countersign.Tally{Failures: 5, Until: noon.Add(time.Second)}, countersign.Crowd{}, Pause{Code: PausePasskey, Until: noon.Add(time.Second)}},
		{"no failures close a passkey, which nobody guesses (D-28)", countersign.LanePasskey, countersign.Tally{Failures: 1000}, countersign.Crowd{}, Pause{}},
		{"a passkey waits with its network", countersign.LanePasskey, countersign.Tally{}, countersign.Crowd{All: full}, network(time.Minute, false)},
		{"a passkey on a known device", countersign.LanePasskeyKnown, countersign.Tally{}, everything, Pause{}},
		{"a known device waits for its own failures", countersign.LaneKnown, countersign.Tally{Failures: 5, Until: noon.Add(time.Hour)}, countersign.Crowd{}, Pause{Code: PausePassword, Until: noon.Add(time.Hour)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Guess(noon, tt.lane, tt.tally, tt.crowd); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestTokensPause(t *testing.T) {
	bound := noon.Add(-Day)
	lane := func(t countersign.Tally) map[countersign.Lane]countersign.Tally {
		return map[countersign.Lane]countersign.Tally{countersign.LaneOf(countersign.Email): t}
	}
	tests := []struct {
		name   string
		tokens Tokens
		method countersign.Method
		bound  time.Time
		want   string
	}{
		{"nothing happened", Tokens{}, countersign.Email, bound, ""},
		{"it waits", Tokens{Lanes: lane(countersign.Tally{Failures: 6, Until: noon.Add(time.Second)})}, countersign.Email, bound, PauseToken},
		{"it waits in the wizard too (TH-02)", Tokens{Lanes: lane(countersign.Tally{Failures: 6, Until: noon.Add(time.Second)})}, countersign.Email, time.Time{}, PauseToken},
		{"another method does not wait (D-28)", Tokens{Lanes: lane(countersign.Tally{Failures: 6, Until: noon.Add(time.Second)})}, countersign.App, bound, ""},
		{"stopped for the day, by any method", Tokens{DayEnd: noon.Add(time.Second)}, countersign.App, bound, PauseStopped},
		{"the oldest falls out this very moment", Tokens{DayEnd: noon}, countersign.App, bound, ""},
		{"closed", Tokens{Lanes: lane(countersign.Tally{Closed: noon.Add(-time.Hour)})}, countersign.Email, bound, PauseUnbound},
		{"bound again since", Tokens{Lanes: lane(countersign.Tally{Closed: noon.Add(-time.Hour)})}, countersign.Email, noon, ""},
		{"closed, and being set up anew", Tokens{Lanes: lane(countersign.Tally{Closed: noon.Add(-time.Hour)})}, countersign.Email, time.Time{}, ""},
		{"a passkey waits for nothing (D-28)", Tokens{DayEnd: noon.Add(Day), Lanes: map[countersign.Lane]countersign.Tally{"token-passkey": {Closed: noon, Until: noon.Add(Day)}}}, "passkey", bound, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.tokens.Pause(noon, tt.method, tt.bound).Code; got != tt.want {
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
		{"forgotten as the password changed", []countersign.Device{with(func(d *countersign.Device) { d.ForgottenW = countersign.ForgottenPassword })}, true},
		{"forgotten by the user: the next one at that desk is not he", []countersign.Device{with(func(d *countersign.Device) { d.ForgottenW = countersign.ForgottenByUser })}, false},
		{"a copied cookie", []countersign.Device{with(func(d *countersign.Device) { d.ForgottenW = countersign.ForgottenCopied })}, false},
		{"a computer that other people use", []countersign.Device{with(func(d *countersign.Device) { d.Declined = true })}, false},
	}
	for _, tt := range tests {
		if got := KnownBrowser(tt.all); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// However guesses and waits follow each other, on either road, no more are taken
// in an hour than the waits leave, and none during a wait (TH-03).
func TestNoGuessDuringAWait(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lane := rapid.SampledFrom([]countersign.Lane{countersign.LaneUnknown, countersign.LaneKnown, countersign.LaneOf(countersign.App)}).Draw(t, "lane")
		road, tally, now := RoadOf(lane), countersign.Tally{}, noon
		taken := 0
		for range rapid.IntRange(1, 200).Draw(t, "guesses") {
			now = now.Add(time.Duration(rapid.Int64Range(0, 4000).Draw(t, "pause")) * time.Second / 4)
			if p := queue(now, lane, tally); p.Code != "" {
				if !now.Before(p.Until) && p.Code != PauseClosed {
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

// Waits never get shorter, and there is always room for one guess after them.
func TestWaitsGrow(t *testing.T) {
	const half, minute = 30 * time.Second, time.Minute
	for lane, waits := range map[countersign.Lane][]time.Duration{
		countersign.LaneUnknown:             {half, minute, 2 * minute, 4 * minute, 8 * minute, 16 * minute, 32 * minute, 60 * minute, 60 * minute},
		countersign.LaneOf(countersign.SMS): {half, minute, 5 * minute, 15 * minute, 30 * minute, 60 * minute, 60 * minute},
	} {
		road := RoadOf(lane)
		for i, want := range waits {
			if got := road.Wait(road.First + i*road.Every); got != want {
				t.Errorf("%s: the %d. wait is %v, want %v", lane, i+1, got, want)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		road := RoadOf(rapid.SampledFrom([]countersign.Lane{countersign.LaneUnknown, countersign.LaneOf(countersign.SMS)}).Draw(t, "lane"))
		n := rapid.IntRange(0, 200).Draw(t, "failures")
		if a, b := road.Wait(road.First+n*road.Every), road.Wait(road.First+(n+1)*road.Every); b < a || a < 30*time.Second || b > time.Hour {
			t.Fatalf("%v, then %v", a, b)
		}
		room := road.Room(n)
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

// What happens to one agency never takes the share of another (TN-02).
func TestAgencyShare(t *testing.T) {
	for house, want := range map[int]int{0: 600, 2999: 600, 3000: 60, 1_000_000: 60} {
		if got := AgencyShare(house); got != want {
			t.Errorf("after %d failures in the installation an agency may have %d, want %d", house, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		if share := AgencyShare(rapid.IntRange(0, 1_000_000).Draw(t, "house")); share < LeastAgency {
			t.Fatalf("a share of %d", share)
		}
	})
}
