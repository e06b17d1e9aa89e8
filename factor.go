package countersign

import "time"

// FactorID identifies a factor row.
type FactorID string

// A Method is a kind of second factor. The text is stored and never renamed.
type Method string

// The methods.
const (
	MethodEmail Method = "email"
	MethodApp   Method = "app"
	MethodSMS   Method = "sms"

	// MethodPasskey is a key that the user's device or password manager keeps (WebAuthn).
	MethodPasskey Method = "passkey"
)

// A Factor is one method that a user has proved.
type Factor struct {
	ID       FactorID
	User     UserID
	Method   Method
	Address  string // email: the address; sms: E.164; app: empty
	Secret   []byte // app: the shared secret, 20 bytes; sealed by the store
	State    int64  // the method's memory; app: the last accepted step (RFC 6238)
	Verified time.Time
	LastUsed time.Time // zero: not since it was verified
	Default  bool
	Broken   bool      // its secret can't be decrypted in this row: it was moved or changed (KY-01)
	Passkeys []Passkey // passkey: the keys of this one factor, the oldest first
}

// A Challenge is a token that was asked for and is not answered yet.
// The token itself is kept nowhere: Digest is a keyed one (OT-06).
type Challenge struct {
	Method      Method
	Factor      FactorID // empty while the method is being set up
	Address     string   // where the token was sent; empty for the app
	Digest      []byte   // empty: nothing was sent, or the token was invalidated
	Reference   string   // two letters that page, mail and text share
	Issued      time.Time
	Expires     time.Time
	Message     MessageID // the message that carries the token
	Nonce       []byte    // passkey: the 32 bytes that are signed; kept apart from the attempt
	PasskeyOnly bool      `json:"Alone"` // passkey: it is the whole sign-in, so its user must have been verified
}

// Live reports whether the challenge can still be answered at now (OT-02).
func (c Challenge) Live(now time.Time) bool {
	return len(c.Digest) > 0 && now.Before(c.Expires)
}
