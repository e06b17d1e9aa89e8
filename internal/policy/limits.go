package policy

import (
	"time"

	"countersign"
)

// The limits on tries. Every try is counted before it is compared. The counts are in
// the database, never in memory, so every node decides the same (TH-03).
const (
	Window          = 10 * time.Minute // in which failures of a network and an agency are counted
	MaxNetwork      = 30               // passwords, and passkeys as the whole sign-in, that failed from one IPv4 address or IPv6 /64
	MaxRepeats      = 20               // of these, the most that user IDs with a failure there may use up
	MaxWide         = 120              // as MaxNetwork, from an IPv6 /48
	MaxLogins       = 20               // different user IDs that failed from one network
	MaxAgency       = 600              // as MaxNetwork, in one agency from unknown devices
	MaxInstallation = 3000             // as MaxAgency, in the whole installation
	LeastAgency     = 60               // what an agency may still fail while the installation is over its budget
	MaxTokens       = 30               // wrong tokens of a user in a day, whatever succeeded between them (TH-02)
	MaxTokensLong   = 100              // as MaxTokens, in thirty days: then the methods are locked
	TokensLong      = 30 * Day         // how long wrong tokens are remembered
	InFlight        = 30 * time.Second // a try that is not settled by then counts as wrong: its node died
	MaxAttempts     = 20               // sign-ins of a user, or step-ups and so on, that are under way at once (TH-07)
	WarningEvery    = time.Hour        // between two warnings that someone may know the password (NT-03)
)

// A Backoff describes how waits grow with failures in a row.
type Backoff struct {
	First int             // the failure after which the first wait follows
	Every int             // a wait follows each so many failures after it
	Waits []time.Duration // the waits in order; the last one repeats
	Cap   int             // the failure that locks the subject out; 0: none
}

// The backoffs: of passwords (per limit); of passkeys that are the whole sign-in, which
// wait as passwords do but never lock, since a passkey can't be guessed; and of the
// tokens of a method, where three failures are one failed sign-in.
var (
	passwordBackoff = Backoff{First: 5, Every: 1, Cap: 50, Waits: []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute,
		4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour}}
	passkeyBackoff = Backoff{First: passwordBackoff.First, Every: passwordBackoff.Every, Waits: passwordBackoff.Waits}
	tokenBackoff   = Backoff{First: 2 * MaxFailures, Every: MaxFailures, Cap: 100, Waits: []time.Duration{30 * time.Second, time.Minute,
		5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}}
)

// BackoffFor returns the backoff of a limit.
func BackoffFor(l countersign.LimitKey) Backoff {
	switch {
	case l.IsPassword():
		return passwordBackoff
	case l.IsPasskey():
		return passkeyBackoff
	default:
		return tokenBackoff
	}
}

// Wait returns the wait after so many failures in a row; 0: no new wait.
func (r Backoff) Wait(failures int) time.Duration {
	over := failures - r.First
	if over < 0 || over%r.Every != 0 {
		return 0
	}
	return r.Waits[min(over/r.Every, len(r.Waits)-1)]
}

// MaxConcurrent returns how many tries may be in flight at once after so many failures: as
// many as are left before the next wait.
func (r Backoff) MaxConcurrent(failures int) int {
	if failures < r.First {
		return r.First - failures
	}
	return r.Every - (failures-r.First)%r.Every
}

// A Decision says why no try is accepted now. The zero Decision accepts it.
type Decision struct {
	Code  string    // of the sentence; empty: accepted
	Until time.Time // when a try is accepted again; zero: unknown
	Alarm bool      // notify an administrator
}

// Codes of decisions. DecisionBusy: a try in flight has to be settled first.
const (
	DecisionPassword = "password.wait"
	DecisionPasskey  = "passkey.wait"
	DecisionClosed   = "password.closed"
	DecisionNetwork  = "password.network"
	DecisionShared   = "password.crowd"
	DecisionBusy     = "busy"
	DecisionToken    = "token.wait"
	DecisionStopped  = "token.stopped"
	DecisionUnbound  = "token.closed"
)

// Busy reports whether a try is accepted as soon as the tries in flight are settled.
func (p Decision) Busy() bool { return p.Code == DecisionBusy }

// queue returns the decision of the limit itself.
func queue(now time.Time, lane countersign.LimitKey, t countersign.LimitState) Decision {
	road, code := BackoffFor(lane), DecisionToken
	switch {
	case lane.IsPassword():
		code = DecisionPassword
	case lane.IsPasskey():
		code = DecisionPasskey
	}
	switch {
	case lane.IsPassword() && (!t.Closed.IsZero() || Closes(lane, t.Failures)):
		return Decision{Code: DecisionClosed}
	case now.Before(t.Until):
		return Decision{Code: code, Until: t.Until}
	case t.InFlight >= road.MaxConcurrent(t.Failures):
		return Decision{Code: DecisionBusy}
	default:
		return Decision{}
	}
}

// Closes reports whether so many failures in a row lock the subject out: a password
// until a new one is chosen, a method until it is set up again.
func Closes(lane countersign.LimitKey, failures int) bool {
	limit := BackoffFor(lane).Cap
	return limit > 0 && failures >= limit
}

// AgencyQuota returns how many passwords may fail in one agency while so many failed in
// the whole installation: an attack on one agency doesn't affect those below their quota (TN-02).
func AgencyQuota(house int) int {
	if house >= MaxInstallation {
		return LeastAgency
	}
	return MaxAgency
}

// TokenLimits holds the state of the limits on a user's tokens.
type TokenLimits struct {
	Limits map[countersign.LimitKey]countersign.LimitState
	DayEnd time.Time // when a token is accepted again after too many in a day; zero: now
}

// Decide returns why no token of a method is accepted. bound is when the method was
// verified; zero while it is being set up. Passkeys cannot be guessed, so they
// never wait.
func (t TokenLimits) Decide(now time.Time, m countersign.Method, bound time.Time) Decision {
	if Unlimited(m) {
		return Decision{}
	}
	tally := t.Limits[countersign.LimitOf(m)]
	switch {
	case !bound.IsZero() && (!tally.Closed.IsZero() && !bound.After(tally.Closed) || Closes(countersign.LimitOf(m), tally.Failures)):
		return Decision{Code: DecisionUnbound}
	case now.Before(t.DayEnd):
		return Decision{Code: DecisionStopped, Until: t.DayEnd}
	default:
		return queue(now, countersign.LimitOf(m), tally)
	}
}

// Unlimited reports whether a method can't be guessed, so that it needs no limit.
func Unlimited(m countersign.Method) bool { return m == countersign.MethodPasskey }

// KnownBrowser reports whether a browser with these connections of a user counts as
// one of the user's own: it completed a sign-in and was not disowned since (TH-05).
// It need not be remembered: a browser that is asked for a token is known too.
func KnownBrowser(connections []countersign.Device) bool {
	for _, d := range connections {
		if !disowned(d) && !d.Declined {
			return true
		}
	}
	return false
}
