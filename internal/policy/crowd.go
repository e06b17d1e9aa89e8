package policy

import (
	"time"

	"countersign"
)

// CheckLimit decides whether a password or passkey of a limit may be compared at now.
// crowd, the shared limit, applies to unknown browsers only, so an attacker cannot lock
// a user out of a known device (TH-05).
func CheckLimit(now time.Time, lane countersign.LimitKey, t countersign.LimitState, crowd countersign.SharedState) Decision {
	if p := queue(now, lane, t); p.Code != "" || lane.IsKnown() {
		return p
	}
	busy := false
	for _, p := range shared(now, crowd) {
		if p.Code != "" && !p.Busy() {
			return p
		}
		busy = busy || p.Busy()
	}
	if busy {
		return Decision{Code: DecisionBusy}
	}
	return Decision{}
}

// shared returns the limits that a try shares with others (TH-04, TH-09). In a
// network, user IDs that have failed can't use up the last of its failures: these
// are for user IDs that have not failed, so guessing at a few IDs keeps no one else out.
func shared(now time.Time, c countersign.SharedState) []Decision {
	pauses := []Decision{
		pace(now, c.All, MaxRepeats, MaxNetwork, Decision{Code: DecisionNetwork}),
		pace(now, c.Logins, MaxLogins/2, MaxLogins, Decision{Code: DecisionNetwork, Alarm: true}),
		pace(now, c.Wide, MaxWide/2, MaxWide, Decision{Code: DecisionNetwork}),
	}
	if c.Again {
		pauses[1] = pace(now, c.All, MaxRepeats/2, MaxRepeats, Decision{Code: DecisionNetwork})
	}
	if !c.Agency.IsZero() {
		pauses = append(pauses, Decision{Code: DecisionShared, Until: c.Agency.Add(Window), Alarm: true})
	}
	return pauses
}

// pace accepts the first free failures of a window without delay, and spreads the
// rest evenly over it: one at a time, each a while after the last. No window holds
// more than most failures. As long as no one else fails first, the wait is no longer
// than that while (TH-09).
func pace(now time.Time, w countersign.Window, free, most int, full Decision) Decision {
	n := len(w.Failed)
	switch {
	case n >= most:
		full.Until = w.Failed[n-most].Add(Window)
		return full
	case n < free && n+w.InFlight < free:
		return Decision{}
	case n >= free:
		full.Until = w.Failed[n-1].Add(Window / time.Duration(most-free))
		if now.Before(full.Until) {
			return full
		}
	}
	if n < free || w.InFlight > 0 {
		return Decision{Code: DecisionBusy}
	}
	return Decision{}
}

// Network summarizes the tries from one network for a try at subject. tries are
// ordered, the oldest first.
func Network(tries []countersign.Try, subject string) (c countersign.SharedState) {
	failed, flying := map[string]bool{}, map[string]bool{}
	for _, t := range tries {
		c.Again = c.Again || t.Subject == subject
		if !t.Failed {
			continue
		}
		if !failed[t.Subject] {
			failed[t.Subject] = true
			c.Logins.Failed = append(c.Logins.Failed, t.At)
		}
		if !t.Token {
			c.All.Failed = append(c.All.Failed, t.At)
		}
	}
	for _, t := range tries {
		if t.Failed {
			continue
		}
		if !failed[t.Subject] && !flying[t.Subject] {
			flying[t.Subject] = true
			c.Logins.InFlight++
		}
		if !t.Token {
			c.All.InFlight++
		}
	}
	return c
}
