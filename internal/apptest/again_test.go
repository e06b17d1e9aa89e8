package apptest

import (
	"testing"
	"time"
)

// A user whose session has ended is told only what is true (SE-03): a posted form is kept, and a
// page that was only opened is returned to.
func TestWhatAnEndedSessionPromises(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		h.Pass(time.Hour)
		idle := b.Get("/profile")
		wantAt(t, idle, 200, "/sign-in", "You were away for 60 minutes, so you were signed out", "you return to the page you were on: User Profile.")
		if idle.Says("What you had typed is kept") {
			t.Errorf("nothing was typed: %s", idle.Text())
		}
		wantAt(t, b.Get("/step-up"), 200, "/sign-in", "Sign in to go on.")
		b.Get("/profile")
		wantAt(t, b.Post("/sign-in", "user_id", "BSMITH", "password", Password, "then", b.page.Value("then")), 200, "/profile", "BSMITH")
		for range 24 {
			h.Pass(59 * time.Minute)
			b.Get("/profile")
		}
		h.Pass(30 * time.Minute)
		wantAt(t, b.Get("/"), 200, "/sign-in", "A session ends after 24 hours at the latest", "you return to the page you were on: Home.")
	})
}

// The sign-in form of a second window is older than the sign-in in the first: it is refused
// (WB-01), but the sign-in page is shown again.
func TestASecondWindowsSignInForm(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		b := h.Browser("198.51.100.20", Chrome)
		second := b.Get("/sign-in?then=/profile")
		wantToken(t, b.SignIn("BSMITH"))
		b.page = second
		p := b.Post("/sign-in", "user_id", "bsmith", "password", Password, "then", "/profile")
		wantAt(t, p, 403, "/sign-in", "Please type your password again", "Nothing was looked at.")
		if p.Value("user_id") != "bsmith" || p.Value("then") != "/profile" || p.Value("password") != "" {
			t.Errorf("the form holds %q, %q and %q", p.Value("user_id"), p.Value("then"), p.Value("password"))
		}
		wantToken(t, b.Post("/sign-in", "user_id", "bsmith", "password", Password, "then", "/profile"))
		b.page = second
		wantAt(t, b.Post("/sign-in/token", "token", "344078"), 403, "/sign-in/token", "Please send this again")
	})
}

// If the user is signed in by then, the page says so and links to their start page.
func TestASecondWindowsSignInFormOfSomebodySignedIn(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		second := b.Get("/sign-in")
		b.Enroll("BSMITH")
		b.page = second
		wantAt(t, b.Post("/sign-in", "user_id", "BSMITH", "password", Password), 403, "/sign-in", "Please send this again", "Go to the start page")
	})
}
