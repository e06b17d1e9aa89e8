package policy

import "countersign"

// The classes of a sign-in, in the words that other programs read (0.2): an
// emailed token is less than one of an app, and a remembered device is no
// factor at all. Never more is said than was proved.
const (
	ClassPassword    = "urn:countersign:acr:pwd"
	ClassKnownDevice = "urn:countersign:acr:known-device"
	ClassEmail       = "urn:countersign:acr:2fa-email"
	ClassRestricted  = "urn:countersign:acr:2fa-restricted"
	ClassTwoFactor   = "urn:countersign:acr:2fa"
	ClassPhishproof  = "phr"
)

// ClassOf is the class of a sign-in that was admitted by a proof.
func ClassOf(p countersign.Proof) string {
	switch p {
	case countersign.ProofRemembered:
		return ClassKnownDevice
	case countersign.ProofEmail:
		return ClassEmail
	case countersign.ProofSMS:
		return ClassRestricted
	case countersign.ProofPasskey:
		return ClassPhishproof
	case countersign.ProofApp, countersign.ProofRecovery:
		return ClassTwoFactor
	default:
		return ClassPassword
	}
}
