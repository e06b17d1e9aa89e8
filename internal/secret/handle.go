// Package secret makes, digests, seals and compares secret values: handles, tokens,
// passwords and the keys behind them. It is the only package that draws random numbers.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"strings"
	"time"

	"countersign"
)

// NewHandle returns a random value for a cookie or link: 256 bits (SE-01).
func NewHandle() countersign.Handle {
	return countersign.Handle(base64.RawURLEncoding.EncodeToString(draw(32)))
}

// Digest returns the stored form of a handle: SHA-256 in hex. A handle has 256 random
// bits, so it needs no salt.
func Digest(h countersign.Handle) string {
	sum := sha256.Sum256([]byte(h))
	return hex.EncodeToString(sum[:])
}

// NewID returns a random row ID: 128 bits in hex.
func NewID() string { return hex.EncodeToString(draw(16)) }

// Token returns six random digits, each value from 000000 to 999999 equally likely (OT-01).
func Token() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // without random numbers the program must not continue
	}
	const digits = 6
	text := n.String()
	for len(text) < digits {
		text = "0" + text
	}
	return text
}

// letters are those of references: none looks like another one or like a digit.
const letters = "ABCDEFGHJKLMNPRSTWXY"

// Reference returns two random letters that page, mail and text message share.
func Reference() string {
	pick := func() byte {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			panic(err)
		}
		return letters[n.Int64()]
	}
	return string([]byte{pick(), pick()})
}

// AppKey returns a random secret for an authenticator app: 160 bits (OT-07, RFC 4226 R6).
func AppKey() []byte { return draw(20) }

// Nonce returns random bytes for a passkey to sign: 256 bits (PK-01).
func Nonce() []byte { return draw(32) }

// nonceDraw is the number of random bytes in a dated nonce. Its date follows, then the
// keyed digest of both.
const nonceDraw = 16

// DatedNonce returns a nonce that needs no storage until it is answered: 128 random
// bits, its expiration, and a keyed digest that binds both to parts.
func (k Key) DatedNonce(until time.Time, parts ...string) []byte {
	return k.dated(binary.BigEndian.AppendUint64(draw(nonceDraw), uint64(until.UnixMilli())), parts)
}

// NonceDate returns when a dated nonce expires; false if it was not made under this key
// for these parts.
func (k Key) NonceDate(nonce []byte, parts ...string) (time.Time, bool) {
	if len(nonce) < nonceDraw+8 || !Equal(k.dated(nonce[:nonceDraw+8:nonceDraw+8], parts), nonce) {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(nonce[nonceDraw:]))).UTC(), true
}

func (k Key) dated(text []byte, parts []string) []byte {
	return append(text, k.MAC("dated nonce", append([]string{string(text)}, parts...)...)...)
}

// Equal compares in constant time.
func Equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

func draw(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return b
}

// GeneratePassword draws a password that can be typed from a screen: four groups of five
// letters and digits, 20 characters with over 90 bits.
func GeneratePassword() string {
	const alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
	var b strings.Builder
	for i := range 20 {
		if i > 0 && i%5 == 0 {
			b.WriteByte('-')
		}
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			panic(err)
		}
		b.WriteByte(alphabet[n.Int64()])
	}
	return b.String()
}
