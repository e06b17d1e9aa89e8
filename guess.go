package countersign

import (
	"strings"
	"time"
)

// A LimitKey names a limit on the tries at one subject: it counts failures in a
// row and delays the next try.
type LimitKey string

// The limits of the sign-in page: for the password, and for a passkey that is the
// whole sign-in. Browsers that completed a sign-in of the user before have a limit
// of their own, which no one else can exhaust (TH-05).
const (
	LimitPasswordKnown LimitKey = "password-known"
	LimitPassword      LimitKey = "password"
	LimitPasskeyKnown  LimitKey = "passkey-known"
	LimitPasskey       LimitKey = "passkey"
)

// LimitOf returns the limit of a method's tokens.
func LimitOf(m Method) LimitKey { return LimitKey(tokenLimit + string(m)) }

const tokenLimit = "token-"

// Method returns the method whose tokens a limit counts; empty for the limits of the sign-in page.
func (l LimitKey) Method() Method {
	m, ok := strings.CutPrefix(string(l), tokenLimit)
	if !ok {
		return ""
	}
	return Method(m)
}

// IsPassword reports whether a limit counts passwords.
func (l LimitKey) IsPassword() bool { return l == LimitPasswordKnown || l == LimitPassword }

// IsPasskey reports whether a limit counts passkeys that are the whole sign-in.
func (l LimitKey) IsPasskey() bool { return l == LimitPasskeyKnown || l == LimitPasskey }

// IsKnown reports whether a limit is that of browsers the user has signed in with before.
func (l LimitKey) IsKnown() bool { return l == LimitPasswordKnown || l == LimitPasskeyKnown }

// A CountedTry is one password, passkey or token, counted before it is compared. A
// right one is removed, a wrong one stays; one that is never settled counts as wrong.
type CountedTry struct {
	ID      string
	Subject string // the user's ID; for an unknown user ID or passkey, its keyed digest
	Limit   LimitKey
	Client  Client
	At      time.Time
}

// A LimitState is the state of one limit of a subject.
type LimitState struct {
	Failures int       // in a row, settled
	InFlight int       // counted and not settled yet
	Until    time.Time // no try is accepted before; zero: no wait
	Closed   time.Time // since when no try is accepted at all; zero: not locked
}

// A Window holds the failures in a period.
type Window struct {
	Failed   []time.Time // the oldest first
	InFlight int
}

// A Try is one try as the limits of a network count it.
type Try struct {
	Subject string
	Token   bool // for a token; otherwise for a password or passkey of the sign-in page
	Failed  bool // otherwise it is in flight
	At      time.Time
}

// A SharedState holds the failures that a try at the sign-in page shares with others of its
// agency: by network, wider network, and agency. Forgiven failures are left out.
type SharedState struct {
	Again  bool   // the subject has failed in this network, or another try at it is in flight
	Logins Window // of the network: the first failure of each subject
	All    Window // of the network: every password and passkey
	Wide   Window
	Agency time.Time // if its limit is reached: the time of the failure that must expire first
}
