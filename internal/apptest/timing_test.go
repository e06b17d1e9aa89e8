package apptest

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"countersign/internal/admin"
	"countersign/internal/secret"
)

// samples returns how often each kind of user ID is tried. Only the soak run has enough samples to
// say something about time.
func samples() int {
	if os.Getenv("COUNTERSIGN_SOAK") != "" {
		return 300
	}
	return 3
}

// EN-02: user IDs that exist, exist but are disabled, and do not exist can't be told apart by time:
// the medians of interleaved samples differ by less than a tenth or five milliseconds, at the
// sign-in and at the forgotten password.
func TestTimingTellsNobodyApart(t *testing.T) {
	// One engine after the other, so that they do not slow each other.
	for engine, url := range map[string]func(testing.TB) string{"SQLite": SQLite, "PostgreSQL": PostgreSQL} {
		t.Run(engine, func(t *testing.T) { timing(t, Open(t, url(t))) })
	}
}

func timing(t *testing.T, h *App) {
	t.Helper()
	h.Authn.Passwords = secret.NewPasswords() // the cost of a real installation
	h.Admin.Passwords = h.Authn.Passwords
	h.User("BSMITH")
	h.User("CBILLS")
	off := true
	h.edit(t, "CBILLS", admin.Change{Disabled: &off})
	logins := []string{"BSMITH", "CBILLS", "NOBODY"} // a new unknown user ID each time
	forms := map[string][]string{"/sign-in": {"password", "wrong " + Password}, "/password/forgot": nil}
	for path, fields := range forms {
		took := map[string][]time.Duration{}
		for n := range samples() {
			for _, login := range logins {
				h.Pass(25 * time.Hour) // waits and quotas have ended
				typed := login
				if login == "NOBODY" {
					typed = fmt.Sprint(login, n)
				} else {
					h.clearFailures(login) // fifty in a row would lock the counter
				}
				b := h.Browser("192.0.2.20", Chrome)
				b.Get(path)
				start := time.Now()
				p := b.Send(path, append([]string{"user_id", typed}, fields...)...)
				took[login] = append(took[login], time.Since(start))
				if p.Status >= http.StatusInternalServerError || p.Status == http.StatusTooManyRequests {
					t.Fatalf("%s %s: %d", path, login, p.Status)
				}
			}
		}
		known := median(took["BSMITH"])
		for _, login := range logins[1:] {
			m := median(took[login])
			t.Logf("%s: %s %v, %s %v", path, logins[0], known, login, m)
			if apart := (m - known).Abs(); samples() >= 300 && apart > max(known/10, 5*time.Millisecond) {
				t.Errorf("%s: %s takes %v, %s takes %v", path, logins[0], known, login, m)
			}
		}
	}
}

func median(all []time.Duration) time.Duration {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

// PW-07: no page of administration has a field for another user's password.
func TestNobodySetsAnothersPassword(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		looked := 0
		for _, r := range h.Routes {
			path := place(r, "BSMITH")
			if len(path) < 6 || path[:6] != "/admin" || r.Pattern[:4] != "GET " {
				continue
			}
			p := b.Get(path)
			if p.Status != http.StatusOK {
				continue
			}
			looked++
			if p.Has("input", "type", "password") || p.Has("input", "name", "new_password") {
				t.Errorf("%s asks for a password", r.Pattern)
			}
		}
		if looked < 8 {
			t.Errorf("only %d pages were looked at", looked)
		}
	})
}
