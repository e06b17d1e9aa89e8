package factor

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"countersign"
)

// Passkey returns the WebAuthn method: the user's device or password manager signs a
// nonce for this site, and for no site that merely looks like it (PK-01). There is
// nothing to send and nothing to type.
func Passkey() Method { return passkey{} }

type passkey struct{}

func (passkey) Kind() countersign.Method { return countersign.MethodPasskey }

// Enroll makes the factor that holds a user's passkeys; Site.Make makes the passkeys.
func (passkey) Enroll(Input) (countersign.Factor, error) {
	return countersign.Factor{Method: countersign.MethodPasskey}, nil
}

// Ask sends nothing: the page holds the nonce.
func (passkey) Ask(f countersign.Factor, _ Binding, now time.Time, _ time.Duration) (countersign.Challenge, *Dispatch) {
	return countersign.Challenge{Method: countersign.MethodPasskey, Factor: f.ID, Issued: now}, nil
}

// Check verifies the JSON that the browser sent, by the steps of WebAuthn 7.2. It
// returns f with only the passkey that answered, with its new counter and backup
// state.
func (passkey) Check(f countersign.Factor, c countersign.Challenge, in Binding, answer string, now time.Time) (countersign.Factor, error) {
	if len(c.Nonce) == 0 || !now.Before(c.Expires) {
		return f, ErrLate
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return f, ErrWrong
	}
	party, err := in.Site.party()
	if err != nil {
		return f, err
	}
	owner := owner{id: f.User, passkeys: f.Passkeys}
	i := owner.index(parsed.RawID)
	if i < 0 {
		return f, ErrUnknown
	}
	// Whether a passkey may be copied to other devices changes when a password manager
	// is updated or the passkey is moved. The library would reject a value other than
	// the stored one. The signature covers it, so take the value of the answer.
	owner.passkeys = slices.Clone(owner.passkeys)
	owner.passkeys[i].Key.Syncable = parsed.Response.AuthenticatorData.Flags.HasBackupEligible()
	credential, err := party.ValidateLogin(owner, session(c, f), parsed)
	switch {
	case err == nil && c.PasskeyOnly && len(parsed.Response.UserHandle) == 0:
		return f, ErrWrong // a passkey as the whole sign-in names its user
	case err != nil && c.PasskeyOnly && !parsed.Response.AuthenticatorData.Flags.HasUserVerified():
		return f, ErrUnverified
	case err != nil:
		return f, ErrWrong
	case credential.Authenticator.CloneWarning:
		f.Passkeys = f.Passkeys[i : i+1]
		return f, ErrCloned
	}
	used := f.Passkeys[i]
	used.LastUsed = now
	used.Key.Count = credential.Authenticator.SignCount
	used.Key.Syncable, used.Key.Synced = credential.Flags.BackupEligible, credential.Flags.BackupState
	f.Passkeys = []countersign.Passkey{used}
	return f, nil
}

// session returns what the library needs to know about the challenge.
func session(c countersign.Challenge, f countersign.Factor) webauthn.SessionData {
	return webauthn.SessionData{
		Challenge:        encoded(c.Nonce),
		UserID:           []byte(f.User),
		UserVerification: verification(c.PasskeyOnly),
	}
}

// verification requires fingerprint, face or PIN where the passkey is the whole
// sign-in; beside the password, possession is enough.
func verification(alone bool) protocol.UserVerificationRequirement {
	if alone {
		return protocol.VerificationRequired
	}
	return protocol.VerificationPreferred
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// IsPasskeyAnswer reports whether text is the answer of a passkey, right or wrong.
// Otherwise the prompt was canceled or failed in the browser.
func IsPasskeyAnswer(text string) bool {
	_, err := protocol.ParseCredentialRequestResponseBytes([]byte(text))
	return err == nil
}

// Credential returns the ID of the passkey that an answer claims to come from.
func Credential(answer string) ([]byte, bool) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return nil, false
	}
	return parsed.RawID, true
}

// NonceOf returns the nonce that an answer claims to have signed; Check verifies
// the claim.
func NonceOf(answer string) []byte {
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return nil
	}
	nonce, err := base64.RawURLEncoding.DecodeString(parsed.Response.CollectedClientData.Challenge)
	if err != nil {
		return nil
	}
	return nonce
}

// An owner is a user as the library needs it. The handle that authenticators keep
// for the user is their row's ID, which reveals nothing about them.
type owner struct {
	id       countersign.UserID
	login    string
	name     string
	passkeys []countersign.Passkey
}

func (o owner) WebAuthnID() []byte          { return []byte(o.id) }
func (o owner) WebAuthnName() string        { return o.login }
func (o owner) WebAuthnDisplayName() string { return o.name }

func (o owner) WebAuthnCredentials() []webauthn.Credential {
	var all []webauthn.Credential
	for _, p := range o.passkeys {
		c := webauthn.Credential{ID: p.Credential, PublicKey: p.Key.Public}
		c.Authenticator.SignCount = p.Key.Count
		c.Flags.BackupEligible, c.Flags.BackupState = p.Key.Syncable, p.Key.Synced
		for _, t := range p.Key.Transports {
			c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
		}
		all = append(all, c)
	}
	return all
}

func (o owner) descriptors() []protocol.CredentialDescriptor {
	var all []protocol.CredentialDescriptor
	for _, c := range o.WebAuthnCredentials() {
		all = append(all, c.Descriptor())
	}
	return all
}

// index returns the position of the passkey with this credential; -1 if it is not the owner's.
func (o owner) index(credential []byte) int {
	for i, p := range o.passkeys {
		if bytes.Equal(p.Credential, credential) {
			return i
		}
	}
	return -1
}

// errNoSite means that passkeys can't be made for a URL.
var errNoSite = errors.New("passkeys need a host name")
