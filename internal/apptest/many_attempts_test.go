package apptest

import (
	"fmt"
	"testing"
	"time"
)

// liveAttempts counts the sign-ins in progress of all users.
func liveAttempts(h *App) int {
	return h.Count(`SELECT count(*) FROM attempt WHERE purpose = 'sign-in'`)
}

// TH-07: a user has at most twenty sign-ins in progress. The oldest ends, its token with it, and
// its warning stays. Neither attempts nor warnings accumulate.
func TestManyRightPasswords(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		h.Pass(2 * time.Hour)
		first := h.Browser("198.51.100.1", Edge)
		first.SignIn("BSMITH")
		token := h.Token(bsmith)
		for i := range 20 {
			h.Pass(time.Second)
			wantAt(t, h.Browser(fmt.Sprintf("198.51.100.%d", i+2), Edge).SignIn("BSMITH"), 200, "/sign-in/token")
		}
		if n := liveAttempts(h); n != 20 {
			t.Errorf("%d sign-ins are under way, want 20", n)
		}
		wantAt(t, first.Post("/sign-in/token", "token", token), 200, "/sign-in")
		if n := h.Count(`SELECT count(*) FROM warning WHERE NOT told`); n != 1 {
			t.Errorf("%d warnings, want that of the oldest", n)
		}
		for range 60 {
			h.Pass(time.Second)
			h.Browser("203.0.113.9", Edge).SignIn("BSMITH")
		}
		if n, warnings := liveAttempts(h), h.Count(`SELECT count(*) FROM warning`); n != 20 || warnings > 50 {
			t.Errorf("%d sign-ins are under way, and %d warnings", n, warnings)
		}
		h.Pass(10 * time.Minute)
		if err := h.Authn.ExpireAttempts(t.Context(), h.Now()); err != nil {
			t.Fatal(err)
		}
		if letterWith(h, bsmith, "Somebody may know your Agency Integrator password") == "" {
			t.Errorf("no notice was sent: %q", h.Subjects(bsmith))
		}
	})
}

// TH-07: an attacker with the password ends no one else's sign-in: that of another network
// continues.
func TestACrowdLeavesOthersAlone(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		h.Pass(2 * time.Hour)
		b := h.Browser("198.51.100.20", Chrome)
		b.SignIn("BSMITH")
		token := h.Token(bsmith)
		for range 40 {
			h.Browser("203.0.113.9", Edge).SignIn("BSMITH")
		}
		wantIn(t, b.Post("/sign-in/token", "token", token), "BSMITH")
	})
}

// TH-07: nor do 200 addresses of one IPv6 network, and none ends a sign-in on the user's own
// device. The page of a sign-in that has to end says why.
func TestAWholeIPv6NetworkLeavesOthersAlone(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		own := h.Browser("192.0.2.10", Chrome)
		own.Enroll("BSMITH")
		h.Pass(31 * 24 * time.Hour)
		own.SignIn("BSMITH")
		ownToken := h.Token(bsmith)
		h.Pass(time.Minute)
		other := h.Browser("198.51.100.20", Chrome)
		other.SignIn("BSMITH")
		token := h.Token(bsmith)
		first := h.Browser("2001:db8:bad::1", Edge)
		first.SignIn("BSMITH")
		h.Pass(time.Second)
		for i := range 40 {
			h.Browser(fmt.Sprintf("2001:db8:bad:%x::1", i+1), Edge).SignIn("BSMITH")
		}
		wantIn(t, other.Post("/sign-in/token", "token", token), "BSMITH")
		wantAt(t, first.Post("/sign-in/token", "token", "000000"), 200, "/sign-in", "Too many sign-ins were open for your user ID, so this one ended")
		for i := range 40 {
			h.Browser(fmt.Sprintf("2001:db8:%x::1", i+1), Edge).SignIn("BSMITH")
		}
		wantIn(t, own.Post("/sign-in/token", "token", ownToken), "BSMITH")
	})
}

// TH-07: step-ups and set-ups of many sessions are limited as well.
func TestManyStepUps(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		var all []*Browser
		for range 22 {
			b := h.Browser("192.0.2.10", Chrome)
			session(h, b)
			all = append(all, b)
		}
		h.Pass(6 * time.Minute)
		for _, b := range all {
			b.Get("/profile")
			wantAt(t, b.Post("/profile/setup-two-factor"), 200, "/step-up")
		}
		if n := h.Count(`SELECT count(*) FROM attempt WHERE purpose = 'step-up'`); n != 20 {
			t.Errorf("%d step-ups are under way, want 20", n)
		}
	})
}
