package secret

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A master key is replaced in steps, so that every node can open every value: a new key
// waits in the file until every node has read it, then it seals, then every value is
// sealed again, then the old keys leave the file.

// A KeyState is the role of a key in the file.
type KeyState string

// The states of a key.
const (
	Seals KeyState = "seals" // it also opens
	Opens KeyState = "opens" // it was used to seal before
	Waits KeyState = "waits" // it opens, and will seal once every node has it
)

// A KeyInfo identifies a key without revealing anything about it.
type KeyInfo struct {
	ID    string // eight hexadecimal digits
	State KeyState
}

func keyID(id uint32) string { return fmt.Sprintf("%08x", id) }

// Keys returns the keys of the file, in its order.
func (m *Master) Keys() []KeyInfo {
	var all []KeyInfo
	for _, k := range m.keys {
		state := Opens
		switch {
		case k.waits:
			state = Waits
		case k == m.sealing():
			state = Seals
		}
		all = append(all, KeyInfo{keyID(k.id), state})
	}
	return all
}

// Sealing returns the ID of the key that seals.
func (m *Master) Sealing() string { return keyID(m.sealing().id) }

// Waiting returns the ID of the key that waits; empty: none.
func (m *Master) Waiting() string {
	for _, k := range m.keys {
		if k.waits {
			return keyID(k.id)
		}
	}
	return ""
}

func (m *Master) sealing() *masterKey {
	if i := slices.IndexFunc(m.keys, func(k *masterKey) bool { return !k.waits }); i >= 0 {
		return m.keys[i]
	}
	return nil
}

// WithNew returns the keys and a new one that waits.
func (m *Master) WithNew() *Master {
	return &Master{keys: append(slices.Clone(m.keys), newKey(draw(masterSize), true))}
}

// Promoted returns the keys with the waiting one as the one that seals.
func (m *Master) Promoted() (*Master, error) {
	i := slices.IndexFunc(m.keys, func(k *masterKey) bool { return k.waits })
	if i < 0 {
		return nil, errors.New("no key waits")
	}
	first := newKey(m.keys[i].key(), false)
	return &Master{keys: append([]*masterKey{first}, slices.Delete(slices.Clone(m.keys), i, i+1)...)}, nil
}

// Reduced returns only the key that seals and those that wait.
func (m *Master) Reduced() *Master {
	sealing := m.sealing()
	return &Master{keys: slices.DeleteFunc(slices.Clone(m.keys), func(k *masterKey) bool { return k != sealing && !k.waits })}
}

// Save replaces the key file atomically. It keeps the owner; only the owner may read it.
func (m *Master) Save(path string) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("write master key: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("write master key: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".master-key-*")
	if err != nil {
		return fmt.Errorf("write master key: %w", err)
	}
	_, err = f.WriteString(m.text())
	err = errors.Join(err, f.Chmod(0o600), giveTo(f, info), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write master key: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return syncDir(filepath.Dir(path))
}

// text returns the content of the file.
func (m *Master) text() string {
	var b strings.Builder
	for _, k := range m.keys {
		if k.waits {
			b.WriteString(waiting)
		}
		b.WriteString(line(k.key()))
	}
	return b.String()
}
