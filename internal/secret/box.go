package secret

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
)

// A Box seals what has to be read back: the secrets of apps, messages on their
// way, what is typed during a sign-in. Each value is bound to its place, so that
// it opens in no other row (KY-01).
type Box struct {
	hidden
	newest uint32
	aeads  map[uint32]*subtle.XChaCha20Poly1305
}

// idSize is the length of the key's ID in front of a sealed value.
const idSize = 4

func newBox(m *Master) *Box {
	b := &Box{newest: m.keys[0].id, aeads: map[uint32]*subtle.XChaCha20Poly1305{}}
	for _, k := range m.keys {
		aead, err := subtle.NewXChaCha20Poly1305(k.derive("seal"))
		if err != nil {
			panic(err) // only for keys of another length
		}
		b.aeads[k.id] = aead
	}
	return b
}

// Seal seals plain for one place, such as "factor.secret/AGENCY/USER/ID".
func (b *Box) Seal(plain []byte, place string) ([]byte, error) {
	sealed, err := b.aeads[b.newest].Encrypt(plain, []byte(place))
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", place, err)
	}
	return append(binary.BigEndian.AppendUint32(nil, b.newest), sealed...), nil
}

// Open opens what was sealed for the same place, with any key of the file.
func (b *Box) Open(sealed []byte, place string) ([]byte, error) {
	if len(sealed) < idSize {
		return nil, fmt.Errorf("open %s: too short", place)
	}
	aead := b.aeads[binary.BigEndian.Uint32(sealed)]
	if aead == nil {
		return nil, fmt.Errorf("open %s: %w", place, ErrOtherKey)
	}
	plain, err := aead.Decrypt(sealed[idSize:], []byte(place))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", place, err)
	}
	return plain, nil
}

// ErrOtherKey is the answer for what was sealed with a key that is not in the file.
var ErrOtherKey = errors.New("sealed with another master key")
