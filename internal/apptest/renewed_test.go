package apptest

import (
	"strings"
	"sync"
	"testing"

	"countersign/internal/admin"
	"countersign/internal/store"
)

// imported adds BSMITH with a hash of Password that another program made. The next successful
// sign-in renews it.
func imported(t *testing.T, h *App) {
	t.Helper()
	const hash = `pbkdf2_sha256$1000$c29tZXNhbHQ$Uo22gFAAu1SqofH0kTZU7eua/SkkFJmWJhhIEawlC5o=`
	done, wrong := load(t, h, admin.Import{Text: []byte("user_id,name,email,password_hash\nBSMITH,Bob Smith,bsmith@demo.example," + hash + "\n")})
	if done.Added != 1 {
		t.Fatalf("%q", wrong)
	}
}

// PW-01: several concurrent sign-ins with the correct password succeed, though the first of them
// renews the hash that the others are compared with.
func TestRightPasswordsAtOnceWhileTheHashIsRenewed(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) string{"SQLite": SQLite, "PostgreSQL": PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var between Interlude
			h := Open(t, open(t), store.Through(between.Through))
			imported(t, h)
			other, b := h.Node().Browser("192.0.2.99", Chrome), h.Browser("198.51.100.4", Edge)
			other.Get("/sign-in")
			b.Get("/sign-in")
			first := ""
			between.Once("INSERT INTO guess", func() {
				first = other.Send("/sign-in", "user_id", "BSMITH", "password", Password).Location
			})
			p := b.Send("/sign-in", "user_id", "BSMITH", "password", Password)
			if !strings.HasPrefix(first, "/set-up") || p.Status != 303 || !strings.HasPrefix(p.Location, "/set-up") {
				t.Errorf("first to %s, second %d %s: %s", first, p.Status, p.Location, p.Text())
			}
			wantNothingCounted(t, h)
			if n := countEvents(h, "BSMITH", "sign-in.password refused"); n != 0 {
				t.Errorf("%d wrong passwords in the audit log", n)
			}
		})
	}
}

// The same for four windows on one node.
func TestFourRightPasswordsAtOnce(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		imported(t, h)
		pages := make([]*Page, 4)
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range pages {
			b := h.Browser("198.51.100.4", Edge)
			b.Get("/sign-in")
			all.Go(func() {
				<-start
				pages[i] = b.Send("/sign-in", "user_id", "BSMITH", "password", Password)
			})
		}
		close(start)
		all.Wait()
		for i, p := range pages {
			if p.Status != 303 || !strings.HasPrefix(p.Location, "/set-up") {
				t.Errorf("window %d: %d %s", i, p.Status, p.Text())
			}
		}
	})
}
