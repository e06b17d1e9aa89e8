package apptest

import (
	"testing"
	"time"
)

// Thirty seconds must pass between two tokens of one channel, whatever the address (SM-02): set-up
// sends texts to different numbers no faster. Another channel may send at once.
func TestThirtySecondsHoldForTheChannel(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		b.Post("/set-up/email/token", "token", h.Token("bsmith@demo.example"))
		wantAt(t, b.Post("/set-up/sms", "phone", "6145550112"), 200, "/set-up/sms") // another channel
		b.Get("/set-up/sms?change")
		again := b.Post("/set-up/sms", "phone", "6145550113")
		wantAt(t, again, 429, "/set-up/sms", "No new token was sent", "still works", "Enter the token that went to 614-555-0112")
		if again.Value("phone") != "6145550113" {
			t.Errorf("what was typed is lost: %q", again.Value("phone"))
		}
		if n := len(h.Mail("+16145550113")); n != 0 {
			t.Errorf("%d messages went to the second number", n)
		}
		h.Pass(30 * time.Second)
		wantAt(t, b.Post("/set-up/sms", "phone", "6145550113"), 200, "/set-up/sms", "614-555-0113")
		wantAt(t, b.Post("/set-up/sms/token", "token", h.Token("+16145550113")), 200, "/set-up")
	})
}

// The same for addresses. But a user who has just proved access to the one on file gets the token
// to the other one at once (ER-02).
func TestThirtySecondsHoldForEmail(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		wantAt(t, b.Post("/set-up/email", "email", "bsmith@demo.example"), 200, "/set-up/email")
		b.Get("/set-up/email?change")
		again := b.Post("/set-up/email", "email", "bob@mail.example")
		wantAt(t, again, 429, "/set-up/email", "No new token was sent", "Enter the token that went to bsmith@demo.example")
		if again.Value("email") != "bob@mail.example" {
			t.Errorf("what was typed is lost: %q", again.Value("email"))
		}
		h.Pass(30 * time.Second)
		wantAt(t, b.Post("/set-up/email", "email", "bob@mail.example"), 200, "/set-up/email", "First confirm the address on file")
		p := b.Post("/set-up/email/confirm", "token", h.Token("bsmith@demo.example"))
		wantAt(t, p, 200, "/set-up/email", "to bob@mail.example.")
		wantAt(t, b.Post("/set-up/email/token", "token", h.Token("bob@mail.example")), 200, "/set-up")
	})
}

// Switching to another method and back within thirty seconds sends nothing again by the first one.
// The page says when it can, and the other method stays available.
func TestThereAndBackSendsNothing(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("CBILLS")
		h.Browser("192.0.2.10", Chrome).enrollSMS("CBILLS")
		b := h.Browser("198.51.100.20", Chrome)
		wantToken(t, b.SignIn("CBILLS"))
		texts := len(h.Mail("+16145550112"))
		wantToken(t, b.Post("/sign-in/other-way", "method", "email"))
		back := b.Post("/sign-in/other-way", "method", "sms")
		wantAt(t, back, 200, "/sign-in/token", "No token was sent", "less than 30 seconds ago", "Choose another way")
		if n := len(h.Mail("+16145550112")); n != texts {
			t.Errorf("%d more text messages", n-texts)
		}
		h.Pass(30 * time.Second)
		wantToken(t, b.Post("/sign-in/token/new"))
		wantIn(t, b.Post("/sign-in/token", "token", h.Token("+16145550112")), "CBILLS")
	})
}
