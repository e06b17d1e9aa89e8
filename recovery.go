package countersign

import "time"

// MethodRecovery is the use of a recovery code. It can't be the Default, and
// nothing is set up for it. It is a Method only because a sign-in may switch to it.
const MethodRecovery Method = "recovery"

// ProofRecovery is the password and a recovery code.
const ProofRecovery Proof = "recovery"

// RecoveryCodes describes a user's set of recovery codes; the codes themselves
// are not stored (RC-01).
type RecoveryCodes struct {
	All  int       // in the set; 0: none were made
	Left int       // of these, not used yet
	Made time.Time // when the set was made
}

// An EnrollmentCode lets a user without a method begin set-up where the
// password alone does not: an administrator makes it and reads it to them. Only
// its digest is stored.
type EnrollmentCode struct {
	User    UserID
	Digest  string
	Made    time.Time
	MadeBy  string // login, or "operator"
	Expires time.Time
	Tries   int       // tries counted before they were compared
	Used    time.Time // zero: not used
}

// MaxEnrollmentTries is how many tries an enrollment code allows.
const MaxEnrollmentTries = 5

// Live reports whether the code can still be used at now.
func (c EnrollmentCode) Live(now time.Time) bool {
	return c.Digest != "" && c.Used.IsZero() && c.Tries < MaxEnrollmentTries && now.Before(c.Expires)
}

// LinkUnrecognized is the purpose of the link in the new-connection mail by which
// its reader reports that sign-in as not theirs. It doesn't sign anyone in.
const LinkUnrecognized LinkPurpose = "not-me"
