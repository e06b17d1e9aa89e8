package secret

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/crypto/chacha20poly1305"
)

// A Box encrypts (seals) what must be read back: the secrets of apps, queued messages,
// what was typed during a sign-in. Each value is bound to its place, so that it opens
// in no other row (KY-01).
//
// Its keys may be replaced while it is in use.
type Box struct {
	redacted
	ring atomic.Pointer[ring]
}

// A ring holds the keys of a Box at one time.
type ring struct {
	sealing uint32
	waiting []uint32 // keys that open, and don't seal yet
	aeads   map[uint32]cipher.AEAD
}

// idSize is the length of the key's ID in front of a sealed value.
const idSize = 4

func newBox(m *Master) *Box {
	b := &Box{}
	b.Use(m)
	return b
}

// Use replaces the keys of the Box with those of m.
func (b *Box) Use(m *Master) {
	r := &ring{sealing: m.sealing().id, aeads: map[uint32]cipher.AEAD{}}
	for _, k := range m.keys {
		if k.waits {
			r.waiting = append(r.waiting, k.id)
		}
		aead, err := chacha20poly1305.NewX(k.derive("seal"))
		if err != nil {
			panic(err) // only for keys of another length
		}
		r.aeads[k.id] = aead
	}
	b.ring.Store(r)
}

// Mark returns the first bytes of the values that the Box seals now: the ID of its key.
func (b *Box) Mark() []byte { return binary.BigEndian.AppendUint32(nil, b.ring.Load().sealing) }

// Behind reports whether a value that begins with mark was sealed by a key that this Box
// does not have, or does not seal with yet. After a rotation, this is true on a node that
// has not reloaded the key file: the key it would seal with may be retired (KY-03).
func (b *Box) Behind(mark []byte) bool {
	if len(mark) < idSize {
		return false
	}
	r, id := b.ring.Load(), binary.BigEndian.Uint32(mark)
	return r.aeads[id] == nil || slices.Contains(r.waiting, id)
}

// KeyOfSealed returns the ID of the key that a sealed value names; empty if it is too
// short.
func KeyOfSealed(sealed []byte) string {
	if len(sealed) < idSize {
		return ""
	}
	return keyID(binary.BigEndian.Uint32(sealed))
}

// Seal seals plain for one place, such as "factor.secret/AGENCY/USER/ID".
func (b *Box) Seal(plain []byte, place string) ([]byte, error) {
	r := b.ring.Load()
	sealed := binary.BigEndian.AppendUint32(nil, r.sealing)
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	_, _ = rand.Read(nonce) // never fails: crypto/rand ends the program instead
	return r.aeads[r.sealing].Seal(append(sealed, nonce...), nonce, plain, []byte(place)), nil
}

// Open decrypts what was sealed for the same place, with any key of the file. It fails
// with ErrOtherKey or ErrOtherPlace.
func (b *Box) Open(sealed []byte, place string) ([]byte, error) {
	if len(sealed) < idSize+chacha20poly1305.NonceSizeX {
		return nil, fmt.Errorf("open %s: %w", place, ErrOtherPlace)
	}
	aead := b.ring.Load().aeads[binary.BigEndian.Uint32(sealed)]
	if aead == nil {
		return nil, fmt.Errorf("open %s: %w", place, ErrOtherKey)
	}
	nonce, text := sealed[idSize:idSize+chacha20poly1305.NonceSizeX], sealed[idSize+chacha20poly1305.NonceSizeX:]
	plain, err := aead.Open(nil, nonce, text, []byte(place))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", place, ErrOtherPlace)
	}
	return plain, nil
}

// ErrOtherKey means that a value was sealed with a key that is not in the file.
var ErrOtherKey = errors.New("sealed with another master key")

// ErrOtherPlace means that a value was sealed for another place or changed since, so
// that it was moved or edited in the database (KY-01).
var ErrOtherPlace = errors.New("sealed for another place, or changed")
