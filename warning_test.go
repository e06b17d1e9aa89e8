package countersign_test

import (
	"testing"
	"time"

	"countersign"
)

var warnNoon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// half returns a sign-in in a new browser whose password was right a minute ago.
func half() countersign.Attempt {
	return countersign.Attempt{User: "u", Purpose: countersign.PurposeSignIn, Password: true, Browser: "b",
		Started: warnNoon.Add(-time.Minute), Expires: warnNoon.Add(9 * time.Minute)}
}

// NT-03, NT-05: when an unfinished sign-in warns its user.
func TestWhenAnUnfinishedSignInWarns(t *testing.T) {
	const never, later, now = countersign.WarnNever, countersign.WarnLater, countersign.WarnNow
	for _, c := range []struct {
		name                   string
		change                 func(*countersign.Attempt)
		ended, here, elsewhere countersign.WarnTiming
	}{
		{"in another browser", func(*countersign.Attempt) {}, later, never, later},
		{"in the user's own", func(a *countersign.Attempt) { a.KnownBrowser = true }, never, never, never},
		{"a wrong token in another browser", func(a *countersign.Attempt) { a.Wrong = 1 }, now, never, now},
		{"a wrong token in the user's own", func(a *countersign.Attempt) { a.KnownBrowser, a.Wrong = true, 1 }, now, never, later},
		{"third failure in the user's own", func(a *countersign.Attempt) { a.KnownBrowser, a.Wrong = true, 3 }, now, never, later},
		{"the user has signed in here since", func(a *countersign.Attempt) { a.Cleared = true }, never, never, never},
		{"the same after a wrong token", func(a *countersign.Attempt) { a.Cleared, a.Wrong, a.Notified = true, 1, 1 }, never, never, never},
		{"and another wrong token then", func(a *countersign.Attempt) { a.Cleared, a.Wrong, a.Notified = true, 2, 1 }, now, never, now},
		{"told of its wrong token", func(a *countersign.Attempt) { a.Wrong, a.Notified = 1, 1 }, never, never, never},
		{"told of one, and then another", func(a *countersign.Attempt) { a.Wrong, a.Notified = 2, 1 }, now, never, now},
		{"a step-up", func(a *countersign.Attempt) { a.Purpose, a.Wrong = countersign.PurposeStepUp, 1 }, never, never, never},
		{"a passkey alone", func(a *countersign.Attempt) { a.Password = false }, never, never, never},
		{"proved", func(a *countersign.Attempt) { a.Proved = countersign.MethodApp }, never, never, never},
		{"a wizard", func(a *countersign.Attempt) { a.Enrollment.Open = true }, never, never, never},
		{"a wizard with a wrong token", func(a *countersign.Attempt) { a.Enrollment.Open, a.Wrong = true, 1 }, now, never, now},
		{"posted, and kept", func(a *countersign.Attempt) { a.Purpose = countersign.PurposeResume }, never, never, never},
	} {
		a := half()
		c.change(&a)
		for turn, want := range map[countersign.SwitchChange]countersign.WarnTiming{
			countersign.Ended: c.ended, countersign.SignedInHere: c.here, countersign.SignedInElsewhere: c.elsewhere} {
			if got := a.Warns(turn); got != want {
				t.Errorf("%s, %s: %s, want %s", c.name, turn, got, want)
			}
		}
	}
}

// NT-03, NT-05, for every possible sign-in: a wrong token that the user was not notified of
// is never lost. Without one, only a browser that is not the user's own warns, and never at
// once. A sign-in in the same browser warns of nothing, and the user's own browser never
// warns sooner than another one.
func TestNoUnfinishedSignInIsLostOrLoud(t *testing.T) {
	order := map[countersign.WarnTiming]int{countersign.WarnNever: 0, countersign.WarnLater: 1, countersign.WarnNow: 2}
	turns := []countersign.SwitchChange{countersign.Ended, countersign.SignedInHere, countersign.SignedInElsewhere}
	for i := range 2 * 4 * 4 * 3 {
		a := half()
		a.Cleared, a.Wrong, a.Notified = i%2 == 1, i/2%4, i/8%4
		turn := turns[i/32]
		if a.Notified > a.Wrong {
			continue
		}
		fresh := a.Wrong > a.Notified
		other := a.Warns(turn)
		a.KnownBrowser = true
		own := a.Warns(turn)
		switch {
		case turn == countersign.SignedInHere && (own != countersign.WarnNever || other != countersign.WarnNever):
			t.Errorf("%+v: the user's own sign-in warns", a)
		case turn == countersign.Ended && fresh && (own != countersign.WarnNow || other != countersign.WarnNow):
			t.Errorf("%+v: a wrong token is lost", a)
		case !fresh && (own != countersign.WarnNever || other == countersign.WarnNow):
			t.Errorf("%+v, %s: warns %s and %s without a wrong token", a, turn, own, other)
		case turn == countersign.Ended && a.Notified == 0 && !a.Cleared && other == countersign.WarnNever:
			t.Errorf("%+v: one that no one finished is lost", a)
		case order[own] > order[other]:
			t.Errorf("%+v, %s: the user's own browser warns sooner", a, turn)
		}
	}
}

// A warning has the time when someone last typed into the sign-in, and is due as Warns says.
func TestWarningOfAnAttempt(t *testing.T) {
	a := half()
	if w := a.Warning("w", warnNoon, countersign.WarnLater); !w.At.Equal(a.Started) || !w.Due.Equal(a.Expires) || w.Browser != "b" {
		t.Errorf("left: %+v", w)
	}
	if w := a.Warning("w", warnNoon.Add(time.Hour), countersign.WarnLater); !w.Due.Equal(warnNoon.Add(time.Hour)) {
		t.Errorf("found late: %+v", w)
	}
	a.Wrong, a.WrongAt = 2, warnNoon.Add(-time.Second)
	if w := a.Warning("w", warnNoon, countersign.WarnNow); !w.At.Equal(a.WrongAt) || !w.Due.Equal(warnNoon) || w.Wrong != 2 {
		t.Errorf("two wrong tokens: %+v", w)
	}
}
