package secret

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// A Key makes keyed digests: HMAC-SHA-256. The zero Key panics: without a key, anyone
// could make its digests.
type Key struct {
	redacted
	root func() []byte // behind a function for the same reason as a masterKey
}

// NewRoot returns random bytes for KeyOf. They are drawn once for an installation and
// stored sealed in its database, so that digests outlive the master keys.
func NewRoot() []byte { return draw(masterSize) }

// KeyOf returns the Key of a root.
func KeyOf(root []byte) (Key, error) {
	if len(root) != masterSize {
		return Key{}, errors.New("the root of keyed digests has another length")
	}
	return Key{root: func() []byte { return root }}, nil
}

// MAC returns the keyed digest of parts for one purpose, under a key of that purpose
// alone. The parts are delimited, so that ("ab", "c") and ("a", "bc") differ.
func (k Key) MAC(purpose string, parts ...string) []byte {
	if k.root == nil {
		panic("secret: a Key comes from KeyOf")
	}
	key, err := hkdf.Expand(sha256.New, k.root(), purpose, sha256.Size)
	if err != nil {
		panic(err) // only for lengths that HKDF can't make
	}
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		mac.Write(size[:])
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

// A Signer signs what must be provable later: checkpoints of the audit log.
type Signer struct {
	redacted
	key func() ed25519.PrivateKey
}

// Signer returns a signer for one purpose, with a key of that purpose alone.
func (k Key) Signer(purpose string) Signer {
	key := ed25519.NewKeyFromSeed(k.MAC("sign", purpose))
	return Signer{key: func() ed25519.PrivateKey { return key }}
}

// Sign returns the signature of text, in base64.
func (s Signer) Sign(text string) string {
	return base64.RawStdEncoding.EncodeToString(ed25519.Sign(s.key(), []byte(text)))
}

// Verify reports whether signature is that of text.
func (s Signer) Verify(text, signature string) bool {
	sig, err := base64.RawStdEncoding.DecodeString(signature)
	return err == nil && ed25519.Verify(s.key().Public().(ed25519.PublicKey), []byte(text), sig)
}
