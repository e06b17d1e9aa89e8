package factor

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"countersign"
)

// A Site is where an agency's passkeys work: its configured URL, never what the
// headers of a request say (PK-01).
type Site struct {
	URL  string // of the agency
	Name string // what the browser calls it
}

// SiteOf returns the site of an agency.
func SiteOf(a countersign.Agency) Site { return Site{URL: a.URL, Name: a.ProductName()} }

// algorithms are the accepted signatures: Ed25519, ES256 and RS256. Every
// authenticator supports one of them.
var algorithms = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
}

// HasPasskeys reports whether passkeys can be made for the site. Browsers reject IP
// addresses.
func (s Site) HasPasskeys() bool {
	host := s.host()
	_, err := netip.ParseAddr(host)
	return host != "" && err != nil && protocol.ValidateRPID(host) == nil
}

func (s Site) host() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// party returns the site as the library needs it. The library must not enforce a
// time limit, because it would read its own clock: Check and Make compare with the
// time that they are given.
func (s Site) party() (*webauthn.WebAuthn, error) {
	if !s.HasPasskeys() {
		return nil, errNoSite
	}
	const life = 5 * time.Minute
	limit := webauthn.TimeoutConfig{Timeout: life, TimeoutUVD: life}
	return webauthn.New(&webauthn.Config{
		RPID:                  s.host(),
		RPDisplayName:         s.Name,
		RPOrigins:             []string{s.URL},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey:      protocol.ResidentKeyRequirementPreferred,
			UserVerification: protocol.VerificationPreferred,
		},
		Timeouts: webauthn.TimeoutsConfig{Login: limit, Registration: limit},
		// Password managers answer extensions that were not requested; ignore these.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
}

// ToMake returns what the browser needs to make a passkey for u, as JSON. A device
// that holds one of the user's passkeys does not make another.
func (s Site) ToMake(u countersign.User, have []countersign.Passkey, nonce []byte) (string, error) {
	party, err := s.party()
	if err != nil {
		return "", err
	}
	o := owner{id: u.ID, login: u.Login, name: u.Name, passkeys: have}
	creation, _, err := party.BeginRegistration(o, webauthn.WithCredentialParameters(algorithms), webauthn.WithExclusions(o.descriptors()),
		func(options *protocol.PublicKeyCredentialCreationOptions) error {
			options.Challenge = nonce
			return nil
		})
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(creation.Response)
	return string(text), err
}

// ToProve returns what the browser needs to ask for one of these passkeys, as JSON.
// Without any, the user may pick any passkey of the site; as the whole sign-in, it
// must verify its user.
func (s Site) ToProve(u countersign.UserID, have []countersign.Passkey, nonce []byte) (string, error) {
	party, err := s.party()
	if err != nil {
		return "", err
	}
	challenge := webauthn.WithChallenge(nonce)
	var assertion *protocol.CredentialAssertion
	if len(have) > 0 {
		assertion, _, err = party.BeginLogin(owner{id: u, passkeys: have}, challenge, webauthn.WithUserVerification(verification(false)))
	} else {
		assertion, _, err = party.BeginDiscoverableLogin(challenge, webauthn.WithUserVerification(verification(true)))
	}
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(assertion.Response)
	return string(text), err
}

// Make verifies the answer to ToMake, by the steps of WebAuthn 7.1, and returns the
// new passkey. It neither requests nor checks an attestation: users choose their own
// make of device.
func (s Site) Make(u countersign.UserID, nonce []byte, expires time.Time, answer string, now time.Time) (countersign.Passkey, error) {
	if len(nonce) == 0 || !now.Before(expires) {
		return countersign.Passkey{}, ErrLate
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return countersign.Passkey{}, ErrWrong
	}
	party, err := s.party()
	if err != nil {
		return countersign.Passkey{}, err
	}
	c, err := party.CreateCredential(owner{id: u}, webauthn.SessionData{
		Challenge:        encoded(nonce),
		UserID:           []byte(u),
		UserVerification: verification(false),
		CredParams:       algorithms,
	}, parsed)
	if err != nil {
		return countersign.Passkey{}, ErrWrong
	}
	p := countersign.Passkey{User: u, Credential: c.ID, Created: now, Key: countersign.PasskeyKey{
		Public: c.PublicKey, Count: c.Authenticator.SignCount, Syncable: c.Flags.BackupEligible, Synced: c.Flags.BackupState}}
	for _, t := range c.Transport {
		p.Key.Transports = append(p.Key.Transports, string(t))
	}
	return p, nil
}

// IsNewPasskey reports whether text is an answer to ToMake, right or wrong.
func IsNewPasskey(text string) bool {
	_, err := protocol.ParseCredentialCreationResponseBytes([]byte(text))
	return err == nil
}
