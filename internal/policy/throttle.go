package policy

import (
	"time"

	"countersign"
)

// The numbers of throttling (0.3). Every guess is paid for before it is
// compared, and nothing here is kept in memory: the rows of the database decide,
// on every node alike (TH-03).
const (
	Window        = 10 * time.Minute // in which failures of a network and an agency are counted
	MaxNetwork    = 30               // passwords, and passkeys alone, that failed from one IPv4 address or IPv6 /64
	MaxAgain      = 20               // of these, as many as user IDs that have failed there may use up
	MaxWide       = 120              // the same from an IPv6 /48
	MaxNames      = 20               // different user IDs that failed from one network
	MaxAgency     = 600              // the same in one agency from devices that are not known
	MaxHouse      = 3000             // the same in the whole installation
	LeastAgency   = 60               // what an agency may still fail while the installation is over its budget
	MaxTokens     = 30               // wrong tokens of a user in a day, whatever succeeded between them (TH-02)
	MaxTokensLong = 100              // the same in thirty days: then the methods are closed
	TokensLong    = 30 * Day         // how long wrong tokens are remembered
	InFlight      = 30 * time.Second // a guess that is not settled by then was wrong: its node died
	MaxAttempts   = 20               // sign-ins of a user, or step-ups and so on, that are under way at once (TH-07)
	WarningEvery  = time.Hour        // between two letters that somebody knows the password (NT-03)
)

// A Road is how waits grow with failures in a row.
type Road struct {
	First int             // the first wait follows this failure
	Every int             // and then one follows each so many
	Waits []time.Duration // how long they are; the last one stays
	Cap   int             // this failure closes the road; 0: none does
}

// The roads: passwords (per lane), passkeys that are the whole sign-in, which wait
// as passwords do and are never closed, since nobody guesses one (D-28), and the
// tokens of a method, where three failures are one failed sign-in.
var (
	passwordRoad = Road{First: 5, Every: 1, Cap: 50, Waits: []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute,
		4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour}}
	passkeyRoad = Road{First: passwordRoad.First, Every: passwordRoad.Every, Waits: passwordRoad.Waits}
	tokenRoad   = Road{First: 2 * MaxFailures, Every: MaxFailures, Cap: 100, Waits: []time.Duration{30 * time.Second, time.Minute,
		5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}}
)

// RoadOf is the road that a lane is.
func RoadOf(l countersign.Lane) Road {
	switch {
	case l.IsPassword():
		return passwordRoad
	case l.IsPasskey():
		return passkeyRoad
	default:
		return tokenRoad
	}
}

// Wait is how long the road waits after so many failures in a row; 0: no new wait.
func (r Road) Wait(failures int) time.Duration {
	over := failures - r.First
	if over < 0 || over%r.Every != 0 {
		return 0
	}
	return r.Waits[min(over/r.Every, len(r.Waits)-1)]
}

// Room is how many guesses may be under way at once after so many failures: as
// many as are left before the next wait.
func (r Road) Room(failures int) int {
	if failures < r.First {
		return r.First - failures
	}
	return r.Every - (failures-r.First)%r.Every
}

// A Pause is why no guess is taken now. The zero Pause: one is.
type Pause struct {
	Code  string    // of the sentence; empty: guess
	Until time.Time // when one is taken again; zero: nobody can say
	Alarm bool      // somebody should look
}

// Codes of pauses. Busy: a guess is under way that has to be settled first.
const (
	PausePassword = "password.wait"
	PausePasskey  = "passkey.wait"
	PauseClosed   = "password.closed"
	PauseNetwork  = "password.network"
	PauseCrowd    = "password.crowd"
	PauseBusy     = "busy"
	PauseToken    = "token.wait"
	PauseStopped  = "token.stopped"
	PauseUnbound  = "token.closed"
)

// Busy tells whether the pause is over as soon as what is under way is settled.
func (p Pause) Busy() bool { return p.Code == PauseBusy }

// queue is what the lane itself says.
func queue(now time.Time, lane countersign.Lane, t countersign.Tally) Pause {
	road, code := RoadOf(lane), PauseToken
	switch {
	case lane.IsPassword():
		code = PausePassword
	case lane.IsPasskey():
		code = PausePasskey
	}
	switch {
	case lane.IsPassword() && (!t.Closed.IsZero() || Closes(lane, t.Failures)):
		return Pause{Code: PauseClosed}
	case now.Before(t.Until):
		return Pause{Code: code, Until: t.Until}
	case t.InFlight >= road.Room(t.Failures):
		return Pause{Code: PauseBusy}
	default:
		return Pause{}
	}
}

// Closes tells whether so many failures in a row close the lane: a password's
// until a new one is chosen, a method's until it is bound again.
func Closes(lane countersign.Lane, failures int) bool {
	limit := RoadOf(lane).Cap
	return limit > 0 && failures >= limit
}

// AgencyShare is how many passwords may fail in one agency while so many failed
// in the whole installation: an attack on one never reaches those below their share (TN-02).
func AgencyShare(house int) int {
	if house >= MaxHouse {
		return LeastAgency
	}
	return MaxAgency
}

// Tokens is what is known of a user's wrong tokens.
type Tokens struct {
	Lanes  map[countersign.Lane]countersign.Tally
	DayEnd time.Time // when a token is taken again after too many in a day; zero: now
}

// Pause says why no token of a method is taken. bound is when the method was
// verified; zero while it is being set up. Passkeys cannot be guessed, and wait
// for nothing (D-28).
func (t Tokens) Pause(now time.Time, m countersign.Method, bound time.Time) Pause {
	if Exempt(m) {
		return Pause{}
	}
	tally := t.Lanes[countersign.LaneOf(m)]
	switch {
	case !bound.IsZero() && (!tally.Closed.IsZero() && !bound.After(tally.Closed) || Closes(countersign.LaneOf(m), tally.Failures)):
		return Pause{Code: PauseUnbound}
	case now.Before(t.DayEnd):
		return Pause{Code: PauseStopped, Until: t.DayEnd}
	default:
		return queue(now, countersign.LaneOf(m), tally)
	}
}

// Exempt tells whether a method is one that nobody can guess.
func Exempt(m countersign.Method) bool { return m == countersign.ByPasskey }

// KnownBrowser tells whether a browser with these connections of a user counts
// as one of his own: it completed a sign-in, and nobody has disowned it since
// (TH-05). Trust is another matter: a browser that is asked for a token is known too.
func KnownBrowser(connections []countersign.Device) bool {
	for _, d := range connections {
		if !disowned(d) && !d.Declined {
			return true
		}
	}
	return false
}
