package countersign

import (
	"strings"
	"time"
)

// A LimitKey is a road on which guesses at one subject are counted: its failures in
// a row, and until when it waits.
type LimitKey string

// The lanes of the sign-in page: of the password, and of a passkey that is the
// whole sign-in. A browser that completed a sign-in of the user before has one of
// its own, which nobody else can fill (TH-05).
const (
	LimitPasswordKnown LimitKey = "password-known"
	LimitPassword      LimitKey = "password"
	LimitPasskeyKnown  LimitKey = "passkey-known"
	LimitPasskey       LimitKey = "passkey"
)

// LimitOf is the lane of a method's tokens.
func LimitOf(m Method) LimitKey { return LimitKey(tokenLimit + string(m)) }

const tokenLimit = "token-"

// Method is the method whose tokens a lane counts; empty for the lanes of the sign-in page.
func (l LimitKey) Method() Method {
	m, ok := strings.CutPrefix(string(l), tokenLimit)
	if !ok {
		return ""
	}
	return Method(m)
}

// IsPassword tells whether a lane counts passwords.
func (l LimitKey) IsPassword() bool { return l == LimitPasswordKnown || l == LimitPassword }

// IsPasskey tells whether a lane counts passkeys that are the whole sign-in.
func (l LimitKey) IsPasskey() bool { return l == LimitPasskeyKnown || l == LimitPasskey }

// IsKnown tells whether a lane is that of a user's own browsers.
func (l LimitKey) IsKnown() bool { return l == LimitPasswordKnown || l == LimitPasskeyKnown }

// A CountedTry is one password, passkey or token, paid for before it is compared. A
// right one is given back, a wrong one stays; one that nobody settled counts as wrong.
type CountedTry struct {
	ID      string
	Subject string // the user's ID; for a user ID or passkey that nobody has, its keyed digest (V8)
	Limit   LimitKey
	Client  Client
	At      time.Time
}

// A LimitState is where a subject's lane stands.
type LimitState struct {
	Failures int       // in a row, settled
	InFlight int       // paid for and not settled yet
	Until    time.Time // no guess is taken before; zero: no wait
	Closed   time.Time // since when no guess is taken at all; zero: it is open
}

// A Window is what failed in a stretch of time.
type Window struct {
	Failed   []time.Time // the oldest first
	InFlight int
}

// A Try is one guess as the limits of a network see it.
type Try struct {
	Subject string
	Token   bool // at a token; otherwise at a password or passkey of the sign-in page
	Failed  bool // otherwise it is under way
	At      time.Time
}

// A SharedState is what a guess at the sign-in page shares with others of its agency: its
// network, the wider network, and the agency itself. What was forgiven is left out.
type SharedState struct {
	Again  bool   // the subject of the guess has failed in this network, or is just being guessed at
	Logins Window // of the network: the first failure of each subject
	All    Window // of the network: every password and passkey
	Wide   Window
	Agency time.Time // once it is full: the instant of the failure that has to fall out of it first
}
