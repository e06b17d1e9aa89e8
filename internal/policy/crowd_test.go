package policy

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"countersign"
)

// A ledger holds what the database stores about the tries from one network. It applies
// the current rule, or the one before it.
type ledger struct {
	now      time.Time
	before   bool
	tries    []countersign.Try // of unknown devices, without forgiven ones
	compared []time.Time       // failed tries, including forgiven ones
}

// refused returns why a try at subject is not compared now.
func (l *ledger) refused(subject string) Decision {
	l.tries = slices.DeleteFunc(l.tries, func(t countersign.Try) bool { return l.now.Sub(t.At) >= Window })
	crowd := Network(l.tries, subject)
	if l.before {
		return l.refusedBefore(crowd, l.tries)
	}
	return CheckLimit(l.now, countersign.LimitPassword, countersign.LimitState{}, crowd)
}

// refusedBefore is the previous rule: a network with 30 failures, or with 20 user IDs
// that failed, refused everyone until one of the failures was ten minutes old.
func (l *ledger) refusedBefore(c countersign.SharedState, window []countersign.Try) Decision {
	last := map[string]bool{}
	var names []time.Time // the last failure of each user ID, the newest first
	for i := len(window) - 1; i >= 0; i-- {
		if !last[window[i].Subject] {
			last[window[i].Subject] = true
			names = append(names, window[i].At)
		}
	}
	switch {
	case len(names) >= 20:
		return Decision{Code: DecisionNetwork, Until: names[19].Add(Window)}
	case len(c.All.Failed) >= 30:
		return Decision{Code: DecisionNetwork, Until: c.All.Failed[len(c.All.Failed)-30].Add(Window)}
	}
	return Decision{}
}

// guess tries a password and returns when to try again; zero: it was compared.
func (l *ledger) guess(subject string, right bool) time.Time {
	if p := l.refused(subject); p.Code != "" {
		return p.Until
	}
	if !right {
		l.tries = append(l.tries, countersign.Try{Subject: subject, Failed: true, At: l.now})
		l.compared = append(l.compared, l.now)
		return time.Time{}
	}
	if !l.before {
		l.forgive(subject)
	}
	return time.Time{}
}

func (l *ledger) forgive(subject string) {
	var kept []countersign.Try
	for _, t := range l.tries {
		if t.Subject != subject {
			kept = append(kept, t)
		}
	}
	l.tries = kept
}

// busiest returns the most tries compared within any ten minutes.
func (l *ledger) busiest() (most int) {
	for i := range l.compared {
		n := 0
		for _, at := range l.compared[i:] {
			if at.Sub(l.compared[i]) < Window {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// A person signs in with a new device.
type person struct {
	id    string
	next  time.Time
	wrong int // passwords that they will still mistype
	done  time.Time
}

// office lets people sign in, second by second until the given time, and returns when
// the last one was in; zero: not everyone was. Those who are refused come back at the
// time on the page. A mistyped password is corrected after twenty seconds.
func (l *ledger) office(people []person, until time.Time) (last time.Time) {
	for ; l.now.Before(until); l.now = l.now.Add(time.Second) {
		for i := range people {
			p := &people[i]
			if !p.done.IsZero() || l.now.Before(p.next) {
				continue
			}
			wait := l.guess(p.id, p.wrong == 0)
			switch {
			case !wait.IsZero():
				p.next = wait
			case p.wrong > 0:
				p.wrong--
				p.next = l.now.Add(20 * time.Second)
			default:
				p.done = l.now
			}
		}
	}
	for _, p := range people {
		if p.done.IsZero() {
			return time.Time{}
		}
		if p.done.After(last) {
			last = p.done
		}
	}
	return last
}

// sixty returns people who arrive within a time; every third one mistypes once.
func sixty(within time.Duration) []person {
	people := make([]person, 60)
	for i := range people {
		people[i] = person{id: fmt.Sprintf("AGENT%02d", i), next: noon.Add(within * time.Duration(i) / 60)}
		if i%3 == 0 {
			people[i].wrong = 1
		}
	}
	return people
}

// TH-09: on the morning of the rollout, 60 people come from one address, with new
// devices. Twenty mistype once within ten minutes. Everyone signs in as they come; by the
// previous rule the last of them could not.
func TestAnOfficeOfSixty(t *testing.T) {
	for _, c := range []struct {
		within time.Duration // from the first person to the last
		in     time.Duration // until all are in, from noon on
	}{
		{10 * time.Minute, 10 * time.Minute},
		{5 * time.Minute, 6 * time.Minute},
		{time.Minute, 3 * time.Minute},
	} {
		now, before := &ledger{now: noon}, &ledger{now: noon, before: true}
		last, lastBefore := now.office(sixty(c.within), noon.Add(time.Hour)), before.office(sixty(c.within), noon.Add(10*time.Minute))
		t.Logf("60 people within %s: all in after %s; before, all in within ten minutes: %t", c.within, last.Sub(noon), !lastBefore.IsZero())
		if last.IsZero() || last.Sub(noon) > c.in {
			t.Errorf("within %s: the last was in after %s", c.within, last.Sub(noon))
		}
		if !lastBefore.IsZero() {
			t.Errorf("within %s: the rule of before let everyone in, so this shows nothing", c.within)
		}
	}
}

// attacks are ways to guess from one address as fast as the limits allow; each returns the
// next user ID.
var attacks = map[string]func(i int) string{
	"spray: one password, ever other user IDs": func(i int) string { return fmt.Sprint("user", i) },
	"stuffing: three passwords of each":        func(i int) string { return fmt.Sprint("user", i/3) },
	"nineteen user IDs, again and again":       func(i int) string { return fmt.Sprint("user", i%19) },
	"ten, and then ever others":                func(i int) string { return fmt.Sprint("user", min(i%30, 10)+i/30*11) },
}

// attack guesses for a time and returns how many tries were compared.
func (l *ledger) attack(target func(int) string, d time.Duration) int {
	i := 0
	for end := l.now.Add(d); l.now.Before(end); {
		wait := l.guess(target(i), false)
		switch {
		case wait.IsZero():
			i++
		case l.before:
			l.now = wait
		default: // another user ID may be accepted sooner: try both kinds each second
			if l.guess(target(i+1), false).IsZero() {
				i += 2
				continue
			}
			l.now = l.now.Add(time.Second)
		}
	}
	return len(l.compared)
}

// TH-04, TH-09: an attacker at one address gets no more tries compared than by the
// previous rule, in any ten minutes and in a day.
func TestAnAttackerGainsNothing(t *testing.T) {
	for name, target := range attacks {
		t.Run(name, func(t *testing.T) {
			now, before := &ledger{now: noon}, &ledger{now: noon, before: true}
			day, dayBefore := now.attack(target, Day), before.attack(target, Day)
			t.Logf("in ten minutes %d, before %d; in a day %d, before %d", now.busiest(), before.busiest(), day, dayBefore)
			if now.busiest() > before.busiest() || day > dayBefore {
				t.Errorf("in ten minutes %d, before %d; in a day %d, before %d", now.busiest(), before.busiest(), day, dayBefore)
			}
		})
	}
}

// TH-09: while someone at the same address guesses at a few user IDs as fast as the limits
// allow, a coworker with a new device who mistypes nothing does not wait.
func TestGuessingAtAFewKeepsNoOneOut(t *testing.T) {
	l := &ledger{now: noon}
	for range 3 * 60 {
		for i := range 5 {
			l.guess(fmt.Sprint("victim", i), false)
		}
		if p := l.refused("COWORKER"); p.Code != "" {
			t.Fatalf("after %s: %+v", l.now.Sub(noon), p)
		}
		l.now = l.now.Add(10 * time.Second)
	}
}

// TH-09: while someone sprays passwords as fast as the limits allow, the coworker waits a
// minute at most.
func TestASprayKeepsNoOneWaitingLong(t *testing.T) {
	l := &ledger{now: noon}
	for i := range 3 * 600 {
		l.guess(fmt.Sprint("user", i), false)
		if p := l.refused("COWORKER"); p.Until.Sub(l.now) > time.Minute {
			t.Fatalf("after %s: %s", l.now.Sub(noon), p.Until.Sub(l.now))
		}
		l.now = l.now.Add(time.Second)
	}
}

// Whatever is tried, in flight or forgiven: in any ten minutes a network has no more than
// 30 failures that were not forgiven, of no more than 20 user IDs (TH-04).
func TestNoWindowHoldsMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := noon
		var tries []countersign.Try
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "pause")) * time.Second)
			subject := fmt.Sprint(rapid.IntRange(0, 40).Draw(t, "subject"))
			for i := range tries { // tries in flight are settled at some time
				tries[i].Failed = tries[i].Failed || rapid.Bool().Draw(t, "settled")
			}
			var window []countersign.Try
			for _, try := range tries {
				if now.Sub(try.At) < Window {
					window = append(window, try)
				}
			}
			if CheckLimit(now, countersign.LimitPassword, countersign.LimitState{}, Network(window, subject)).Code == "" {
				tries = append(tries, countersign.Try{Subject: subject, At: now})
				window = append(window, tries[len(tries)-1])
			}
			names := map[string]bool{}
			for _, try := range window {
				names[try.Subject] = true
			}
			if len(window) > MaxNetwork || len(names) > MaxLogins {
				t.Fatalf("%d guesses at %d user IDs in ten minutes", len(window), len(names))
			}
		}
	})
}
