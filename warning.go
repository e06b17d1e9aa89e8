package countersign

import "time"

// A Warning is a sign-in whose password was right and whose second factor failed
// or never came (NT-03).
type Warning struct {
	ID        string
	User      UserID
	At        time.Time
	Browser   BrowserID // the browser that began it, by its device cookie; empty: unknown
	Client    Client
	Wrong     int       // wrong tokens
	Due       time.Time // when the user is notified, unless they turn out to have begun it
	Notified  bool
	Dismissed bool // the user has answered the notice on their home page
}

// A SwitchChange is what has just happened to a sign-in that waits for its second factor.
type SwitchChange string

// The changes. SignedInElsewhere and SignedInHere do not end the sign-in (NT-05).
const (
	Ended             SwitchChange = "ended"               // canceled, failed, or ended by a change
	SignedInHere      SwitchChange = "signed in here"      // its user completed another sign-in in the same browser
	SignedInElsewhere SwitchChange = "signed in elsewhere" // the same in another browser
)

// A WarnTiming says whether an unfinished sign-in warns its user, and when.
type WarnTiming string

// The results of Warns.
const (
	WarnNever WarnTiming = "never" // no reason to warn
	WarnLater WarnTiming = "later" // when its time is over, unless its user signs in with the same browser before
	WarnNow   WarnTiming = "now"
)

// Warns decides whether and when a sign-in warns its user that someone knows the password
// (NT-03, NT-05). A wrong token always warns, unless the user's next sign-in with the same
// browser shows that they typed it. Without a wrong token, an unfinished sign-in warns
// unless it is in the user's own browser. docs/adr/0022 has the reasons.
func (a Attempt) Warns(t SwitchChange) WarnTiming {
	fresh := a.Wrong > a.Notified
	switch {
	case !a.AwaitingSecondFactor() || t == SignedInHere:
		return WarnNever
	case fresh && (t == Ended || !a.KnownBrowser):
		return WarnNow
	case fresh:
		return WarnLater
	case a.KnownBrowser || a.Cleared || a.Notified > 0:
		return WarnNever
	default:
		return WarnLater
	}
}

// Warning returns the warning about the attempt: when someone last typed a wrong token, or
// else when it began. It is due as Warns decides.
func (a Attempt) Warning(id string, now time.Time, w WarnTiming) Warning {
	warning := Warning{ID: id, User: a.User, At: a.Started, Browser: a.Browser, Client: a.Client, Wrong: a.Wrong, Due: a.Expires}
	if !a.WrongAt.IsZero() {
		warning.At = a.WrongAt
	}
	if w == WarnNow || now.After(a.Expires) {
		warning.Due = now
	}
	return warning
}
