package countersign

import "time"

// MethodRecovery is the way in by a recovery code. It is no method: it can't be the
// Default, and nothing is set up for it. It stands among the methods because a
// sign-in may turn to it.
const MethodRecovery Method = "recovery"

// ProofRecovery: password and a recovery code.
const ProofRecovery Proof = "recovery"

// RecoveryCodes tell about a user's set of recovery codes; the codes themselves
// are kept nowhere (RC-01).
type RecoveryCodes struct {
	All  int       // in the set; 0: none were made
	Left int       // of these, not used yet
	Made time.Time // when the set was made
}

// An EnrollmentCode lets a user without a method begin set-up where the
// password alone does not: an administrator made it and reads it to him. Only
// its digest is kept.
type EnrollmentCode struct {
	User    UserID
	Digest  string
	Made    time.Time
	MadeBy  string // login, or "operator"
	Expires time.Time
	Tries   int       // guesses that were paid for
	Used    time.Time // zero: not used
}

// MaxEnrollmentTries is how many guesses an enrollment code stands (0.3).
const MaxEnrollmentTries = 5

// Live tells whether the code still opens something at now.
func (c EnrollmentCode) Live(now time.Time) bool {
	return c.Digest != "" && c.Used.IsZero() && c.Tries < MaxEnrollmentTries && now.Before(c.Expires)
}

// LinkUnrecognized is the purpose of the link by which a reader of the new-connection
// letter disowns that sign-in; it signs nobody in.
const LinkUnrecognized LinkPurpose = "not-me"
