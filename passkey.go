package countersign

import "time"

// PasskeyID identifies a passkey row.
type PasskeyID string

// A Passkey is one key pair of a user, made for this agency's address only. The
// private key stays in their device or password manager.
type Passkey struct {
	ID         PasskeyID
	User       UserID
	Name       string // given by the user: "Chrome on Windows"
	Credential []byte // the ID by which authenticators know it, 1 to 1023 bytes
	Key        PasskeyKey
	Created    time.Time
	LastUsed   time.Time // zero: not since it was made
	Broken     bool      // its key can't be decrypted in this row: it was moved or changed (KY-01)
}

// A PasskeyKey is what an answer of a passkey is checked against. The store
// seals it for its row, so that a key cannot be put under another user.
type PasskeyKey struct {
	Public     []byte   // COSE_Key
	Count      uint32   // the highest signature counter so far; 0: it does not count
	Syncable   bool     // BE: may be copied to other devices of its user; never changes
	Synced     bool     // BS: has been copied
	Transports []string // how the browser may reach it
}

// NoncePurpose is what a passkey is asked to sign a nonce for. An answer for
// one purpose is useless for another (OT-04).
type NoncePurpose string

// The purposes of nonces that are stored. A passkey as the whole sign-in has none:
// no attempt exists yet, so it needs no row until the sign-in has succeeded.
const (
	NonceMake  NoncePurpose = "make"  // a new passkey
	NonceProve NoncePurpose = "prove" // a second factor
)
