package policy

import (
	"testing"

	"countersign"
)

// The class of each kind of sign-in. An unknown kind counts as the password alone.
func TestClassOf(t *testing.T) {
	for proof, want := range map[countersign.Proof]string{
		countersign.ProofPassword:   "urn:countersign:acr:pwd",
		countersign.ProofRemembered: "urn:countersign:acr:known-device",
		countersign.ProofEmail:      "urn:countersign:acr:2fa-email",
		countersign.ProofSMS:        "urn:countersign:acr:2fa-restricted",
		countersign.ProofApp:        "urn:countersign:acr:2fa",
		countersign.ProofRecovery:   "urn:countersign:acr:2fa",
		"passkey":                   "phr",
		"":                          "urn:countersign:acr:pwd",
		"anything else":             "urn:countersign:acr:pwd",
	} {
		if got := ClassOf(proof); got != want {
			t.Errorf("%q: %s, want %s", proof, got, want)
		}
	}
}
