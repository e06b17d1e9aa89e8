package mtatest

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Mailbox reads each mail of a server only once, for tests with thousands of them.
type Mailbox struct {
	server *MTA

	mu    sync.Mutex
	seen  map[string]bool
	mails []Mail
	to    map[string][]int // indexes of mails by the envelope's recipient
}

// Mailbox returns a Mailbox of what the server has delivered and will deliver.
func (m *MTA) Mailbox() *Mailbox {
	return &Mailbox{server: m, seen: map[string]bool{}, to: map[string][]int{}}
}

// All returns the mails that have been delivered.
func (b *Mailbox) All(t testing.TB) []Mail {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.look(t)
	return b.mails
}

// Find returns the newest mail to an address whose subject contains a word and that came at
// since or later; false if there is none yet.
func (b *Mailbox) Find(t testing.TB, to, word string, since time.Time) (Mail, bool) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.look(t)
	all := b.to[strings.ToLower(to)]
	for i := len(all) - 1; i >= 0; i-- {
		if m := b.mails[all[i]]; strings.Contains(m.Subject, word) && !m.Came.Before(since.Truncate(time.Second)) {
			return m, true
		}
	}
	return Mail{}, false
}

// look reads new mails.
func (b *Mailbox) look(t testing.TB) {
	t.Helper()
	folder := filepath.Join(b.server.dir, "inbox", "new")
	files, err := os.ReadDir(folder)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, f := range files {
		if b.seen[f.Name()] {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		m, err := parse(raw)
		if err != nil {
			t.Fatalf("%v in the mail\n%s", err, raw)
		}
		b.seen[f.Name()] = true
		b.mails = append(b.mails, m)
		key := strings.ToLower(m.To)
		b.to[key] = append(b.to[key], len(b.mails)-1)
	}
}
