package apptest

import "testing"

// Once a token is required it stays required, and a correct one signs in, though the browser is on
// a remembered network by now (M10).
func TestAskedThenBackOnARememberedNetwork(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		b.SignOut()
		b.IP = "198.51.100.20"
		wantToken(t, b.SignIn("BSMITH"))
		token := h.Token("bsmith@demo.example")
		b.IP = "192.0.2.10"
		again := b.Get("/sign-in/token")
		wantToken(t, again)
		if !again.Says("A token was asked for when this sign-in began, so it is still needed.") {
			t.Errorf("the page does not say why: %s", again.Text())
		}
		wantIn(t, b.Post("/sign-in/token", "token", token), "BSMITH")
	})
}

// If two-factor authentication is turned Off in between, the sign-in in progress ends, and the
// password alone signs in (M4).
func TestAskedThenTurnedOff(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		b := h.Browser("198.51.100.20", Chrome)
		wantToken(t, b.SignIn("BSMITH"))
		h.Set("2FA", "Off")
		wantAt(t, b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), 200, "/sign-in", "Please sign in again", "Nothing is wrong with your account.")
		wantIn(t, b.SignIn("BSMITH"), "BSMITH")
	})
}

// wrongToken returns a token that differs in its first digit.
func wrongToken(token string) string { return string('0'+(token[0]-'0'+1)%10) + token[1:] }
