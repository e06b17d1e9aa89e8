package apptest

import (
	"slices"
	"testing"
)

// Input that can't be a token costs no try, but is limited: the page then gives that as the reason,
// not an expiry.
func TestTwentyHintsEndTheSignIn(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		b := h.Browser("198.51.100.20", Chrome)
		wantToken(t, b.SignIn("BSMITH"))
		token := h.Token("bsmith@demo.example")
		for range 20 {
			wantAt(t, b.Post("/sign-in/token", "token", "12"), 422, "/sign-in/token", "This did not count as a try.")
		}
		wantAt(t, b.Post("/sign-in/token", "token", "12"), 200, "/sign-in", "could not be a token of six digits, so that sign-in was ended")
		if p := b.Post("/sign-in/token", "token", token); p.Path == "/" {
			t.Error("the right token still signs in")
		}
		if !slices.Contains(h.Events("BSMITH"), "sign-in.no_tokens refused") {
			t.Errorf("no audit row: %v", h.Events("BSMITH"))
		}
	})
}

// The same in a set-up opened from the User Profile, and in a step-up: the session continues.
func TestTwentyHintsInASession(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		b.Get("/profile")
		wantAt(t, b.Post("/profile/setup-two-factor"), 200, "/set-up")
		b.Get("/set-up/app")
		for range 20 {
			b.Post("/set-up/app", "token", "12")
		}
		wantAt(t, b.Post("/set-up/app", "token", "12"), 410, "/set-up/app", "Set-up was closed", "could not be a token of six digits")
		wantAt(t, b.Get("/profile"), 200, "/profile", "BSMITH")
		h.Pass(Day)
		b.SignIn("BSMITH")
		b.Get("/profile")
		wantAt(t, b.Post("/profile/setup-two-factor"), 200, "/step-up")
		for range 20 {
			b.Post("/step-up", "token", "12")
		}
		wantAt(t, b.Post("/step-up", "token", "12"), 410, "/step-up", "This was not confirmed", "could not be a token of six digits")
		wantAt(t, b.Get("/profile"), 200, "/profile", "BSMITH")
	})
}

// A second wrong token says what a third one ends: in a set-up opened from the User Profile only
// the set-up, and the session continues.
func TestTheLastTryOfAnOwnWizard(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		b.Get("/profile")
		b.Post("/profile/setup-two-factor")
		key := b.Get("/set-up/app").Key()
		wrong := wrongToken(h.AppToken(key))
		b.Post("/set-up/app", "token", wrong)
		last := b.Post("/set-up/app", "token", wrong)
		wantAt(t, last, 422, "/set-up/app", "You have 1 try left. After that set-up is closed; what was set up so far is kept.")
		if last.Says("log in again") {
			t.Errorf("it says more than is so: %s", last.Text())
		}
		wantAt(t, b.Post("/set-up/app", "token", wrong), 410, "/set-up/app", "Three tokens were wrong, so set-up was closed")
		wantAt(t, b.Get("/profile"), 200, "/profile", "BSMITH")
	})
}
