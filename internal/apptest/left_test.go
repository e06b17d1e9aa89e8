package apptest

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// left completes the email step of set-up, adds the app if app is set, and closes the browser.
func (h *App) left(login string, app bool) {
	h.T.Helper()
	b := h.Browser("192.0.2.10", Chrome)
	to := strings.ToLower(login) + "@demo.example"
	b.SignIn(login)
	b.Post("/set-up/email", "email", to)
	b.Post("/set-up/email/token", "token", h.Token(to))
	if app {
		key := b.Get("/set-up/app").Key()
		b.Post("/set-up/app", "token", h.AppToken(key))
	}
	h.Pass(time.Hour)
}

// A user who left set-up after the email token is enrolled, with email as Default. Their next
// sign-in offers the optional steps once more. The sign-in is completed by its token: the offer is
// a page of the session, and leads on.
func TestALeftSetUpIsOfferedOnceMore(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.left("BSMITH", false)
		b := h.Browser("198.51.100.20", Chrome)
		b.Get("/sign-in?then=/profile")
		wantToken(t, b.Post("/sign-in", "user_id", "BSMITH", "password", Password, "then", "/profile"))
		offer := b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example"))
		wantAt(t, offer, 200, "/set-up/more", "Finish your set-up?", "You can add the authenticator app, SMS and a passkey")
		if !slices.Contains(offer.Links(), "/profile") || offer.Value("then") != "/profile" {
			t.Errorf("it does not lead on: %v", offer.Links())
		}
		wantAt(t, b.Get("/"), 200, "/", "BSMITH") // nothing is locked
		b.SignOut()
		wantIn(t, b.SignIn("BSMITH"), "BSMITH") // remembered
		b.SignOut()
		h.Pass(8 * Day)
		wantToken(t, b.SignIn("BSMITH"))
		wantIn(t, b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH") // once
	})
}

// The offer leads to the user's own set-up with the proof of a moment ago, and that one to where
// the sign-in was going.
func TestALeftSetUpIsFinished(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.left("BSMITH", false)
		b := h.Browser("198.51.100.20", Chrome)
		b.Get("/sign-in")
		b.Post("/sign-in", "user_id", "BSMITH", "password", Password, "then", "/profile")
		b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example"))
		wantAt(t, b.Post("/profile/setup-two-factor", "then", b.page.Value("then")), 200, "/set-up", "Authenticator app", "SMS")
		key := b.Get("/set-up/app").Key()
		b.Post("/set-up/app", "token", h.AppToken(key))
		b.Get("/set-up")
		b.Post("/set-up/skip")
		done := b.Post("/set-up/default", "default", "app")
		wantAt(t, done, 200, "/set-up/done", "Two factor authentication set-up is complete.")
		if !slices.Contains(done.Links(), "/profile") {
			t.Errorf("the end does not lead on: %v", done.Links())
		}
	})
}

// A user who left before choosing a Default keeps email as Default. The offer says what is left.
func TestADefaultThatWasNotChosenIsOffered(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.left("BSMITH", true)
		b := h.Browser("198.51.100.20", Chrome)
		wantToken(t, b.SignIn("BSMITH"))
		offer := b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example"))
		wantAt(t, offer, 200, "/set-up/more", "You can add SMS")
	})
}

// A user who finished set-up gets no offer, not even after a reset that they finished.
func TestAFinishedSetUpIsNotOffered(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		b := h.Browser("198.51.100.20", Chrome)
		b.SignIn("BSMITH")
		wantIn(t, b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
		fresh := h.Browser("198.51.100.30", Chrome)
		fresh.Get("/sign-in")
		wantAt(t, fresh.Get("/set-up/more"), 200, "/sign-in") // a page of the session
	})
}
