package apptest

import (
	"strings"
	"testing"
)

// A user may set up tokens in another user's mailbox, and every administrator gets a notice that
// names the owner. A user's own address sends no notice.
func TestSharedMailboxIsTold(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.Set("2FAEMAILOTHER", "Allow")
		h.User("CBILLS")
		h.User("JJONES")
		h.User("BSMITH")
		told := func() string { return letterWith(h, "admin@demo.example", "another user's mailbox") }
		enroll := func(b *Browser, login, to string) {
			t.Helper()
			b.SignIn(login)
			b.Post("/set-up/email", "email", to)
			wantAt(t, b.Post("/set-up/email/token", "token", h.Token(to)), 200, "/set-up")
			b.Post("/set-up/skip")
		}
		enroll(h.Browser("192.0.2.10", Chrome), "CBILLS", "team@demo.example")
		if told() != "" {
			t.Fatalf("an address of one's own is told: %s", told())
		}
		b := h.Browser("192.0.2.11", Chrome)
		enroll(b, "BSMITH", "team@demo.example") // where another user's tokens go
		if text := told(); !strings.Contains(text, "BSMITH") || !strings.Contains(text, "CBILLS") || !strings.Contains(text, "team@demo.example") {
			t.Errorf("the administrators are told: %q", text)
		}
		b.Get("/profile")
		b.Post("/profile/setup-two-factor") // and from the User Profile, the profile's address of a third
		b.Get("/set-up/email?change")
		b.Post("/set-up/email", "email", "jjones@demo.example")
		b.Post("/set-up/email/token", "token", h.Token("jjones@demo.example"))
		if text := told(); !strings.Contains(text, "JJONES") {
			t.Errorf("the administrators are told: %q", text)
		}
	})
}
