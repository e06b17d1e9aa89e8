package policy

import "countersign"

// The authentication classes (acr) that other programs read: an emailed token is
// worth less than one of an app, and a remembered device is no second factor. A
// class never claims more than was proved.
const (
	ClassPassword    = "urn:countersign:acr:pwd"
	ClassKnownDevice = "urn:countersign:acr:known-device"
	ClassEmail       = "urn:countersign:acr:2fa-email"
	ClassRestricted  = "urn:countersign:acr:2fa-restricted"
	ClassTwoFactor   = "urn:countersign:acr:2fa"
	ClassPhishproof  = "phr"
)

// ClassOf returns the class of a sign-in that was admitted by a proof.
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
