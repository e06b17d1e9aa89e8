package apptest

import (
	"testing"
	"time"
)

// OT-05: a new token ends the earlier one at once, and gives no try back.
func TestANewTokenKillsTheEarlierOne(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		h.Pass(2 * time.Hour)
		b := h.Browser("192.0.2.20", Chrome)
		wantToken(t, b.SignIn("BSMITH"))
		first := h.Token("bsmith@demo.example")
		h.Pass(31 * time.Second)
		wantAt(t, b.Post("/sign-in/token/new"), 200, "/sign-in/token", "A new token was sent.")
		second := h.Token("bsmith@demo.example")
		if p := b.Post("/sign-in/token", "token", first); p.Path != "/sign-in/token" || b.Cookie("session") != "" {
			t.Fatalf("the token that was replaced led to %s: %d %s", p.Path, p.Status, p.Text())
		}
		wantIn(t, b.Post("/sign-in/token", "token", second), "BSMITH")
	})
}

// OT-05: tries are counted over all tokens of a sign-in.
func TestANewTokenGivesNoTryBack(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		h.Pass(2 * time.Hour)
		b := h.Browser("192.0.2.20", Chrome)
		wantToken(t, b.SignIn("BSMITH"))
		for _, says := range []string{"2 tries left", "1 try left", "After three failed attempts"} {
			p := b.Post("/sign-in/token", "token", wrongToken(h.Token("bsmith@demo.example")))
			if !p.Says(says) {
				t.Fatalf("after a wrong token and a new one: %d %s, want %q", p.Status, p.Text(), says)
			}
			h.Pass(31 * time.Second)
			b.Post("/sign-in/token/new")
		}
		if p := b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")); b.Cookie("session") != "" {
			t.Errorf("a fourth try led to %s: %s", p.Path, p.Text())
		}
	})
}

// OT-05: a user gets at most ten unused tokens an hour, over all sign-ins.
func TestTenTokensInAnHour(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		h.Pass(2 * time.Hour)
		earlier := len(h.Mail("bsmith@demo.example"))
		for range 3 {
			b := h.Browser("192.0.2.20", Chrome)
			b.SignIn("BSMITH")
			h.Mail("")
			for range 4 {
				h.Pass(31 * time.Second)
				b.Post("/sign-in/token/new")
				h.Mail("") // a token that waits too long is never sent
			}
		}
		all, tokens := h.Mail("bsmith@demo.example"), 0
		for _, m := range all[:len(all)-earlier] {
			if sixDigits.MatchString(m.Text) {
				tokens++
			}
		}
		if tokens != 10 {
			t.Errorf("%d tokens were sent within an hour, want 10", tokens)
		}
		h.Pass(time.Hour)
		b := h.Browser("192.0.2.20", Chrome)
		wantToken(t, b.SignIn("BSMITH"))
		wantIn(t, b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
	})
}
