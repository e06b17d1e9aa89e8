package secret

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"countersign/internal/textfile"
)

const (
	masterSize = 32      // bytes of a master key
	maxKey     = 1 << 16 // bytes of a key file: over a thousand keys
)

// A Master holds the keys that protect everything else. They are in a file outside of
// the database and its backups (KY-02), and are never printed.
type Master struct {
	redacted
	keys []*masterKey // the first one that does not wait seals, all open
}

// A masterKey holds its key in a function: printing a structure around it does not call
// the methods of redacted, and follows pointers for some verbs, but never functions.
type masterKey struct {
	id    uint32
	waits bool // it opens, but does not seal yet: not every node has it
	key   func() []byte
}

// NewMaster returns a random master key that is in memory only.
func NewMaster() (*Master, error) { return parseMaster(line(draw(masterSize))) }

// waiting comes before a key of the file that does not seal yet.
const waiting = "wait "

func newKey(key []byte, waits bool) *masterKey {
	sum := sha256.Sum256(append([]byte("countersign key id"), key...))
	return &masterKey{id: binary.BigEndian.Uint32(sum[:]), waits: waits, key: func() []byte { return key }}
}

// line returns a key as a line of the file.
func line(key []byte) string { return base64.StdEncoding.EncodeToString(key) + "\n" }

// CreateMaster writes a new key into a file that only its owner may read. It never
// overwrites a file, and returns when the key is safely on disk.
func CreateMaster(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create master key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("create master key: %w", err)
	}
	_, err = f.WriteString(line(draw(masterSize)))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		// A partial key would make the next try fail.
		return fmt.Errorf("create master key: %w", errors.Join(err, os.Remove(path)))
	}
	if err := syncDir(dir); err != nil {
		return fmt.Errorf("create master key: %w", err)
	}
	return nil
}

// syncDir makes the name of a new file as durable as its content.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// LoadMaster reads the key file: one key on each line, as base64. The first one seals,
// all open; a key behind the word wait seals later, once every node has it. The error for
// a file that is missing, short, readable by others or not random names the fix.
func LoadMaster(path string) (*Master, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("master key %s: there is no such file; put the key back, or name the right file with --master-key-file", path)
	}
	if err != nil {
		return nil, fmt.Errorf("master key %s: %w; its owner must be the user that runs countersign", path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("master key %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("master key %s: this is no file; name the right one with --master-key-file", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("master key %s: others may read it (mode %04o); run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return nil, fmt.Errorf("master key %s: %w", path, err)
	}
	text, err := textfile.Decode(data)
	if err != nil {
		text = string(data) // parseMaster rejects it and says what a key is
	}
	m, err := parseMaster(text)
	if err != nil {
		return nil, fmt.Errorf("master key %s: %w; restore the file from its backup", path, err)
	}
	return m, nil
}

func parseMaster(text string) (*Master, error) {
	m := &Master{}
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		l, waits := strings.CutPrefix(l, waiting)
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(l))
		if err != nil || len(key) != masterSize {
			return nil, fmt.Errorf("a key has %d bytes in base64, and a line of the file is something else", masterSize)
		}
		if !random(key) {
			return nil, errors.New("the key is not random, so it could be guessed")
		}
		m.keys = append(m.keys, newKey(key, waits))
	}
	switch {
	case len(m.keys) == 0:
		return nil, errors.New("the file is empty")
	case m.sealing() == nil:
		return nil, errors.New("every key of the file waits, and none seals")
	}
	return m, nil
}

// random reports whether a key looks random: not a repeated byte, a count up or down, or
// a typed sentence. It wrongly rejects about one random key in a billion.
func random(key []byte) bool {
	distinct, steady, typed := 0, true, true
	for i, b := range key {
		if bytes.IndexByte(key, b) == i {
			distinct++
		}
		steady = steady && (i == 0 || b-key[i-1] == key[1]-key[0])
		typed = typed && ' ' <= b && b <= '~'
	}
	return distinct > masterSize/2 && !steady && !typed
}

// derive returns a key for one use, derived from the master key.
func (k *masterKey) derive(use string) []byte {
	key, err := hkdf.Key(sha256.New, k.key(), nil, "countersign/"+use, masterSize)
	if err != nil {
		panic(err) // only for lengths that HKDF can't make
	}
	return key
}

// Box returns a Box with these keys.
func (m *Master) Box() *Box { return newBox(m) }
