package apptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Flags of authenticator data (WebAuthn section 6.1).
const (
	UserPresent  = 0x01
	UserVerified = 0x04
	Syncable     = 0x08 // BE
	Synced       = 0x10 // BS
	attested     = 0x40
)

// An Authenticator holds passkeys in software. It answers like a browser with a real one, unless
// Change falsifies the answer.
type Authenticator struct {
	T       testing.TB
	Origin  string // of the page that asks
	Flags   byte   // flags about the user and the authenticator
	Count   uint32 // signature counter of the last answer
	Counts  bool   // whether each answer increments it
	Silent  bool   // whether to leave out the user handle
	Change  func(*Statement)
	Holding []*Holding
}

// A Holding is one passkey of an authenticator.
type Holding struct {
	ID   []byte
	Site string // RP ID
	User []byte
	key  *ecdsa.PrivateKey
}

// A Statement holds everything an answer consists of, before it is signed.
type Statement struct {
	Type      string
	Challenge string
	Origin    string
	Cross     bool
	Site      string
	Flags     byte
	Count     uint32
	ID        []byte
	User      []byte
	Algorithm int8 // COSE; of a new passkey
	Signed    []byte
}

// authenticators holds the authenticators by application and user ID.
var authenticators sync.Map

// authenticator returns the user's authenticator. On first use it sets the user up with a passkey,
// which signs in alone from then on.
func (h *App) authenticator(login string) *Authenticator {
	h.T.Helper()
	place := h.URL + " " + login
	if a, ok := authenticators.Load(place); ok {
		return a.(*Authenticator)
	}
	a := NewAuthenticator(h.T)
	h.Browser("192.0.2.11", Chrome).EnrollPasskey(login, "passkey", a)
	h.Set("PASSKEYSIGNIN", "On")
	authenticators.Store(place, a)
	return a
}

// NewAuthenticator returns an authenticator without passkeys, for the application's pages.
func NewAuthenticator(t testing.TB) *Authenticator {
	return &Authenticator{T: t, Origin: publicURL, Flags: UserPresent | UserVerified, Counts: true}
}

// Clone returns a copy with the same keys and counter.
func (a *Authenticator) Clone() *Authenticator {
	c := *a
	c.Holding = slices.Clone(a.Holding)
	return &c
}

// options is what pages pass to the browser.
type options struct {
	Challenge string `json:"challenge"`
	Site      string `json:"rpId"`
	RP        struct {
		ID string `json:"id"`
	} `json:"rp"`
	User struct {
		ID string `json:"id"`
	} `json:"user"`
	Allow  []struct{ ID string } `json:"allowCredentials"`
	Except []struct{ ID string } `json:"excludeCredentials"`
}

func (a *Authenticator) read(text string) (o options) {
	a.T.Helper()
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		a.T.Fatalf("the page gives the browser %q: %v", text, err)
	}
	return o
}

// Make answers the options of a set-up page with a new passkey.
func (a *Authenticator) Make(text string) string {
	a.T.Helper()
	o := a.read(text)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.T.Fatal(err)
	}
	id := make([]byte, 32)
	_, _ = rand.Read(id)
	s := Statement{Type: "webauthn.create", Challenge: o.Challenge, Origin: a.Origin, Site: o.RP.ID, Flags: a.Flags | attested,
		Count: a.next(), ID: id, User: decode(o.User.ID), Algorithm: -7}
	a.change(&s)
	a.Holding = append(a.Holding, &Holding{ID: s.ID, Site: o.RP.ID, User: s.User, key: key})
	public, err := key.PublicKey.Bytes()
	if err != nil {
		a.T.Fatal(err)
	}
	data := s.data()
	data = append(data, make([]byte, 16)...) // AAGUID: none
	data = binary.BigEndian.AppendUint16(data, uint16(len(s.ID)))
	data = append(append(data, s.ID...), cose(public, s.Algorithm)...)
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59"), byte(len(data)>>8), byte(len(data)))
	return s.json(map[string]any{
		"clientDataJSON":    encode(s.client()),
		"attestationObject": encode(append(object, data...)),
		"transports":        []string{"internal"},
	})
}

// Answer signs the options of a page with the passkey that they name, or with the newest passkey of
// the site if they name none.
func (a *Authenticator) Answer(text string) string {
	a.T.Helper()
	o := a.read(text)
	held := a.pick(o)
	if held == nil {
		a.T.Fatalf("the authenticator holds no passkey for %s", text)
	}
	s := Statement{Type: "webauthn.get", Challenge: o.Challenge, Origin: a.Origin, Site: o.Site, Flags: a.Flags, Count: a.next(), ID: held.ID, User: held.User}
	if a.Silent {
		s.User = nil
	}
	a.change(&s)
	client, data := s.client(), s.data()
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(slices.Clone(data), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, held.key, digest[:])
	if err != nil {
		a.T.Fatal(err)
	}
	if s.Signed != nil {
		signature = s.Signed
	}
	return s.json(map[string]any{"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(signature), "userHandle": encode(s.User)})
}

func (a *Authenticator) pick(o options) *Holding {
	for _, h := range slices.Backward(a.Holding) {
		asked := slices.ContainsFunc(o.Allow, func(c struct{ ID string }) bool { return c.ID == encode(h.ID) })
		if asked || len(o.Allow) == 0 && h.Site == o.Site {
			return h
		}
	}
	return nil
}

func (a *Authenticator) next() uint32 {
	if a.Counts {
		a.Count++
	}
	return a.Count
}

func (a *Authenticator) change(s *Statement) {
	if a.Change != nil {
		a.Change(s)
	}
}

// client returns the client data, which the browser adds.
func (s Statement) client() []byte {
	text, _ := json.Marshal(map[string]any{"type": s.Type, "challenge": s.Challenge, "origin": s.Origin, "crossOrigin": s.Cross})
	return text
}

// data returns the authenticator data.
func (s Statement) data() []byte {
	site := sha256.Sum256([]byte(s.Site))
	return binary.BigEndian.AppendUint32(append(site[:], s.Flags), s.Count)
}

func (s Statement) json(response map[string]any) string {
	text, _ := json.Marshal(map[string]any{"id": encode(s.ID), "rawId": encode(s.ID), "type": "public-key",
		"authenticatorAttachment": "platform", "clientExtensionResults": map[string]any{}, "response": response})
	return string(text)
}

// cose encodes a P-256 key as a COSE_Key in CBOR: kty EC2, the algorithm, the curve, x and y.
func cose(point []byte, algorithm int8) []byte {
	key := []byte{0xa5, 0x01, 0x02, 0x03, byte(0x20 | (-1 - algorithm)), 0x20, 0x01, 0x21, 0x58, 0x20}
	return append(append(append(key, point[1:33]...), 0x22, 0x58, 0x20), point[33:]...)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(text string) []byte {
	b, _ := base64.RawURLEncoding.DecodeString(text)
	return b
}

// Options returns what the page passes to the browser for a passkey, or "".
func (p *Page) Options() string {
	for _, n := range p.nodes("form") {
		if o := attribute(n, "data-options"); o != "" {
			return o
		}
	}
	return ""
}

// MakePasskey opens the passkey page from the menu of set-up and creates one.
func (b *Browser) MakePasskey(a *Authenticator, name string) *Page {
	b.House.T.Helper()
	p := b.Get("/set-up/passkey")
	return b.Post("/set-up/passkey", "passkey_name", name, "credential", a.Make(p.Options()))
}

// EnrollPasskey is Enroll with a passkey in addition, and the given Default.
func (b *Browser) EnrollPasskey(login, standard string, a *Authenticator) *Page {
	b.House.T.Helper()
	to := strings.ToLower(login) + "@demo.example"
	b.SignIn(login)
	b.Post("/set-up/email", "email", to)
	b.Post("/set-up/email/token", "token", b.House.Token(to))
	b.MakePasskey(a, "Chrome on Windows")
	b.Post("/set-up/skip")
	return b.Post("/set-up/default", "default", standard)
}
