// Package policy decides what a sign-in still needs, which step of the set-up
// wizard comes next, which device is remembered, and who may do what to whom.
// Its functions are pure: the same facts give the same answer on every node.
package policy

import (
	"slices"
	"time"

	"countersign"
)

// The limits and lifetimes of a sign-in.
const (
	MaxFailures           = 3                // second-factor attempts per sign-in, fixed (M30)
	MaxHints              = 20               // inputs that were not six digits, per sign-in
	AttemptLife           = 10 * time.Minute // from the password to the token
	EnrollmentLife        = 30 * time.Minute // the wizard
	LinkLife              = 24 * time.Hour   // activation, and the first administrator's link (PW-07)
	UnrecognizedLife      = 7 * Day          // the link «This was not me»
	ResetEnrollmentLife   = 24 * time.Hour   // an enrollment code
	KeyLife               = 10 * time.Minute // an app's key that waits for its first token (ER-03)
	MaxEnrollmentOpenings = 5                // of set-up with the password alone, after a reset (RS-03)
	OldEmail              = 72 * time.Hour   // how long a replaced address still gets notices (ER-05)
	ResetLife             = 24 * time.Hour   // how long a reset leaves set-up open
	StepUpAge             = 5 * time.Minute  // how long a proof counts as fresh (SE-06)
	Skew                  = 300 * time.Second
	Day                   = 86400 * time.Second // no calendar, no daylight saving
	SeenFor               = 180 * Day           // how long a connection counts as seen
	MaxDevices            = 50                  // connections remembered per user
	SendGap               = 30 * time.Second    // between two tokens of a sign-in
	MaxSends              = 5                   // tokens per sign-in
	SendHour              = time.Hour           // how long an unused token counts against its user
	MaxHourly             = 10                  // unused tokens per user in an hour
	NumberGap             = 10 * time.Minute    // how long an unused token counts against its phone number
	MaxPerNumber          = 5                   // unused tokens per phone number in ten minutes
	MaxPrompts            = 10                  // canceled or failed prompts for a passkey, per sign-in
	MaxPasskeys           = 10                  // passkeys per user
	NonceLife             = 5 * time.Minute     // how long a passkey may take to answer (PK-01)
)

// Facts is all that the next step of a sign-in depends on.
type Facts struct {
	Now            time.Time
	Agency         countersign.Preferences
	User           countersign.User
	Factors        []countersign.Factor // verified methods
	Attempt        countersign.Attempt
	Devices        []countersign.Device  // connections of this user from the browser whose cookie was presented
	Browser        countersign.BrowserID // the browser of that cookie; empty: none was presented that is right
	Known          bool                  // a device cookie was presented that is right
	RecoveryCodes  countersign.RecoveryCodes
	EnrollmentCode countersign.EnrollmentCode // made last for this user; zero: none
	Client         countersign.Client
	TokenLimits    TokenLimits // wrong tokens of this user, over all sign-ins
}

// LimitedMethods returns why no token of a method is accepted now; the zero Decision: one is.
func (f Facts) LimitedMethods(fa countersign.Factor) Decision {
	p := f.TokenLimits.Decide(f.Now, fa.Method, fa.Verified)
	if p.Busy() {
		return Decision{}
	}
	return p
}

// A Step is what must happen next: one of the types below.
//
//sumtype:decl
type Step interface{ step() }

// The steps of a sign-in.
type (
	// AskPassword: nothing is proved yet.
	AskPassword struct{}
	// AskToken: a token of this method is asked for. Issue: it has to be made
	// and sent first. Stale: the one that was sent has expired.
	AskToken struct {
		Factor countersign.Factor
		Issue  bool
		Stale  bool
	}
	// AskRecovery: the user switched to recovery codes; one of them is asked for.
	AskRecovery struct{ Left int }
	// Enroll: no method is verified; the wizard and nothing else is open.
	Enroll struct{}
	// Admit: start a session. Remember: this device has earned trust. Announce: the
	// connection is new, so notify the user.
	Admit struct {
		Proof    countersign.Proof
		Remember bool
		Announce bool
	}
	// Refuse: the attempt is over.
	Refuse struct{ Reason string }
)

func (AskPassword) step() {}
func (AskToken) step()    {}
func (AskRecovery) step() {}
func (Enroll) step()      {}
func (Admit) step()       {}
func (Refuse) step()      {}

// Why an attempt is refused; also the codes of the texts.
const (
	RefusedExpired   = "attempt.expired"
	RefusedElsewhere = "attempt.elsewhere" // ended by a sign-in of its user in another browser
	RefusedChanged   = "attempt.changed"   // ended by a change of a method, the password or a preference
	RefusedCrowded   = "attempt.crowded"   // ended so that another sign-in of its user could begin (TH-07)
	RefusedFailures  = "token.third_failure"
	RefusedHints     = "token.no_tokens"
	RefusedDisabled  = "password.wrong" // never reveals that an account is disabled (EN-01)
	RefusedLapsed    = "reset.lapsed"
	RefusedOpenings  = "reset.openings"
	RefusedNoEmail   = "setup.no_email"
)

// EndsSignIn reports whether a code of a refusal says that a sign-in is over, and
// another one has to be begun.
func EndsSignIn(code string) bool {
	switch code {
	case RefusedExpired, RefusedElsewhere, RefusedChanged, RefusedCrowded, RefusedFailures, RefusedHints:
		return true
	}
	return false
}

// Next returns what the sign-in described by f needs next. The order of its
// cases is the policy.
func Next(f Facts) Step {
	a := f.Attempt
	switch {
	case !f.Now.Before(a.Expires):
		return Refuse{RefusedExpired}
	case OutOfTries(a, f.Now):
		return Refuse{RefusedFailures}
	case !a.Password && !f.alone():
		return AskPassword{}
	case f.User.Disabled:
		return Refuse{RefusedDisabled}
	case a.Enrollment.Open:
		return Enroll{}
	case !a.Password:
		return Admit{Proof: countersign.ProofPasskey, Remember: f.mayRemember(), Announce: f.announce()}
	case a.Proved != "":
		return Admit{Proof: countersign.Proof(a.Proved), Remember: f.mayRemember(), Announce: f.announce()}
	case a.TokenAsked && len(f.Factors) == 0:
		return Refuse{RefusedExpired} // the method that asked for the token was removed
	case a.TokenAsked:
		return f.ask() // even if a preference changed since: the open page stays valid
	case !f.Agency.TwoFactor:
		return Admit{Proof: countersign.ProofPassword, Announce: f.announce()}
	case len(f.Factors) == 0 && f.lapsed():
		return Refuse{RefusedLapsed}
	case len(f.Factors) == 0 && f.spent():
		return Refuse{RefusedOpenings}
	case len(f.Factors) == 0 && f.User.Email == "":
		return Refuse{RefusedNoEmail}
	case len(f.Factors) == 0:
		return Enroll{}
	case f.Remembered():
		return Admit{Proof: countersign.ProofRemembered, Announce: f.announce()}
	default:
		return f.ask()
	}
}

// OutOfTries reports whether an attempt has no tries left. A try that was just
// counted may still turn out to be right; one that is not settled in time was wrong.
func OutOfTries(a countersign.Attempt, now time.Time) bool {
	return a.Failures >= MaxFailures && (a.Wrong >= MaxFailures || !now.Before(a.Tried.Add(InFlight)))
}

// alone reports whether a passkey is the whole sign-in: the agency allows it, and
// the passkey has verified its user, so that two factors were proved at once.
func (f Facts) alone() bool {
	return f.Agency.PasskeySignIn && f.Attempt.PasskeyOnly && f.Attempt.Proved == countersign.MethodPasskey && f.has(countersign.MethodPasskey)
}

func (f Facts) has(m countersign.Method) bool {
	return slices.ContainsFunc(f.Factors, func(factor countersign.Factor) bool { return factor.Method == m })
}

// ask returns the token that the attempt waits for: by the method the user
// turned to, otherwise by the Default (M21).
func (f Facts) ask() Step {
	if f.Attempt.Method == countersign.MethodRecovery && f.RecoveryCodes.Left > 0 {
		return AskRecovery{Left: f.RecoveryCodes.Left}
	}
	factor := f.Method()
	c := f.Attempt.Challenge
	sent := c.Factor == factor.ID && !c.Issued.IsZero()
	return AskToken{
		Factor: factor,
		Issue:  Sends(factor.Method) && !sent,
		Stale:  Sends(factor.Method) && sent && !c.Live(f.Now),
	}
}

// Sends reports whether a token is sent for the method. The app shows its own,
// and a passkey has none.
func Sends(m countersign.Method) bool {
	return m == countersign.MethodEmail || m == countersign.MethodSMS
}

// SendAllowedAt returns when a token may next be sent by a channel; zero: at once. The
// wait holds for the channel, whatever the address: otherwise the wizard could be used
// to text any number, at the agency's expense. A change of method may send at once (M22).
func SendAllowedAt(a countersign.Attempt, m countersign.Method) time.Time {
	if a.Sent[m].IsZero() {
		return time.Time{}
	}
	return a.Sent[m].Add(SendGap)
}

// Method returns the verified method that a token is asked by.
func (f Facts) Method() countersign.Factor {
	chosen := Default(f.Factors)
	for _, factor := range f.Factors {
		if factor.Method == f.Attempt.Method {
			chosen = factor
		}
	}
	return chosen
}

// Default returns the method that decides how tokens are delivered: the chosen one,
// or the strongest if none is marked. The zero Factor if there is none.
func Default(factors []countersign.Factor) countersign.Factor {
	for _, f := range factors {
		if f.Default {
			return f
		}
	}
	for _, m := range Strength {
		for _, f := range factors {
			if f.Method == m {
				return f
			}
		}
	}
	return countersign.Factor{}
}

// Strength orders the methods, the strongest first.
var Strength = []countersign.Method{countersign.MethodPasskey, countersign.MethodApp, countersign.MethodSMS, countersign.MethodEmail}

// lapsed reports whether the user was reset and did not set up in time.
func (f Facts) lapsed() bool {
	return !f.User.ResetUntil.IsZero() && !f.Now.Before(f.User.ResetUntil)
}

// spent reports whether set-up was opened as often as a reset allows (RS-03).
func (f Facts) spent() bool {
	return !f.User.ResetUntil.IsZero() && f.User.EnrollmentOpenings >= MaxEnrollmentOpenings
}

// MayRemember reports whether a proof in these facts lets the device be remembered.
func MayRemember(f Facts) bool { return f.mayRemember() }

// mayRemember reports whether a proof now lets the device be remembered.
func (f Facts) mayRemember() bool {
	return f.Agency.TwoFactor && f.Agency.Days > 0 && f.Client.Network() != "" && !f.adminAlways() && f.Attempt.Proved != countersign.MethodRecovery
}

func (f Facts) adminAlways() bool { return f.Agency.AdminAlways && f.User.IsAdministrator() }

// NextStepUp is Next for a step-up: a token by any verified method, or the password
// where there is none (SE-06). It never admits: the session stays what it is.
func NextStepUp(f Facts) Step {
	a := f.Attempt
	switch {
	case !f.Now.Before(a.Expires):
		return Refuse{RefusedExpired}
	case OutOfTries(a, f.Now):
		return Refuse{RefusedFailures}
	case f.User.Disabled:
		return Refuse{RefusedDisabled}
	case len(f.Factors) == 0:
		return AskPassword{}
	default:
		return f.ask()
	}
}
