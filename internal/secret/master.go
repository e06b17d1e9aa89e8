package secret

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// masterSize is the length of a master key in bytes.
const masterSize = 32

// A Master is the key that seals everything else. It lives in a file outside of
// the database and its backups (KY-02), and never shows itself.
type Master struct {
	keys []masterKey // the first seals, all open
}

type masterKey struct {
	id  uint32
	key []byte
}

// String hides the key from logs and errors.
func (*Master) String() string { return "master key (hidden)" }

// GoString hides the key from %#v.
func (m *Master) GoString() string { return m.String() }

// Format hides the key from every verb.
func (m *Master) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(m.String())) }

// NewMaster is a master key that lives in memory only.
func NewMaster() (*Master, error) { return parseMaster([]byte(line(draw(masterSize)))) }

// line is how a file holds one key.
func line(key []byte) string { return base64.StdEncoding.EncodeToString(key) + "\n" }

// CreateMaster writes a new key into a file that only its owner may read. It
// never writes over one that is there.
func CreateMaster(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("create master key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("create master key: %w", err)
	}
	_, err = f.WriteString(line(draw(masterSize)))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("create master key: %w", err)
	}
	return nil
}

// LoadMaster reads the key file: one key on each line, the newest first, as
// base64. A file that is missing, short, readable by others or without real
// randomness is refused in words that say the mend.
func LoadMaster(path string) (*Master, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("master key %s: there is no such file; put the key back, or name the right file with --master-key-file", path)
	}
	if err != nil {
		return nil, fmt.Errorf("master key %s: %w", path, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("master key %s: others may read it (mode %04o); run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("master key %s: %w", path, err)
	}
	m, err := parseMaster(text)
	if err != nil {
		return nil, fmt.Errorf("master key %s: %w; restore the file from its backup", path, err)
	}
	return m, nil
}

func parseMaster(text []byte) (*Master, error) {
	m := &Master{}
	for l := range strings.Lines(string(text)) {
		l = strings.TrimSpace(l)
		if l == "" {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(l)
		if err != nil || len(key) != masterSize {
			return nil, fmt.Errorf("a key has %d bytes in base64, this line does not", masterSize)
		}
		if bytes.Count(key, key[:1]) > masterSize/2 {
			return nil, errors.New("the key is not random")
		}
		sum := sha256.Sum256(append([]byte("countersign key id"), key...))
		m.keys = append(m.keys, masterKey{id: binary.BigEndian.Uint32(sum[:]), key: key})
	}
	if len(m.keys) == 0 {
		return nil, errors.New("the file is empty")
	}
	return m, nil
}

// derive makes a key for one use out of a master key.
func (k masterKey) derive(use string) []byte {
	key, err := hkdf.Key(sha256.New, k.key, nil, "countersign/"+use, masterSize)
	if err != nil {
		panic(err) // only for lengths that HKDF can't make
	}
	return key
}

// Key is for keyed digests. It is derived from the oldest master key, so that
// digests outlive a rotation.
func (m *Master) Key() Key { return Key{key: m.keys[len(m.keys)-1].derive("digest")} }

// Box seals and opens.
func (m *Master) Box() *Box { return newBox(m) }

// A Key makes keyed digests: HMAC-SHA-256.
type Key struct{ key []byte }

// MAC is the keyed digest of parts for one purpose. Parts are kept apart, so
// that ("ab", "c") and ("a", "bc") differ.
func (k Key) MAC(purpose string, parts ...string) []byte {
	mac := hmac.New(sha256.New, k.key)
	for _, part := range append([]string{purpose}, parts...) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		mac.Write(size[:])
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}
