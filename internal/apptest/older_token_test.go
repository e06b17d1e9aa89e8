package apptest

import (
	"fmt"
	"testing"
	"time"
)

// OT-05: the digits of a token that was replaced or has expired cost no try, because the person who
// types them can read the mailbox. They do not sign in.
func TestAnOlderToken(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		h.Pass(2 * time.Hour)
		b := h.Browser("198.51.100.20", Chrome)
		b.SignIn("BSMITH")
		var older []string
		for range 3 {
			older = append(older, h.Token(bsmith))
			h.Pass(31 * time.Second)
			wantToken(t, b.Post("/sign-in/token/new"))
		}
		newest := h.Token(bsmith)
		reference := h.Mail(bsmith)[0].Subject
		reference = reference[len(reference)-3 : len(reference)-1]
		for range 5 {
			for _, token := range older {
				wantAt(t, b.Post("/sign-in/token", "asked", "email", "token", token), 422, "/sign-in/token",
					"That's an older token. Use the newest, reference "+reference+". This wasn't counted as an attempt.")
			}
		}
		wantNothingCounted(t, h)
		if b.Cookie("session") != "" {
			t.Fatal("an older token has signed in")
		}
		h.Pass(2 * time.Minute)
		for range 5 {
			wantAt(t, b.Post("/sign-in/token", "asked", "email", "token", newest), 422, "/sign-in/token", "That token has expired. Send a new one. This wasn't counted as an attempt.")
		}
		wantNothingCounted(t, h)
		if b.Cookie("session") != "" {
			t.Fatal("an expired token has signed in")
		}
		h.Pass(time.Second)
		b.Post("/sign-in/token/new")
		wantIn(t, b.Post("/sign-in/token", "token", h.Token(bsmith)), "BSMITH")
	})
}

// The same for a token of another method than the newest, in set-up, and in a step-up.
func TestAnOlderTokenElsewhere(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", bsmith)
		older := h.Token(bsmith)
		h.Pass(31 * time.Second)
		b.Post("/set-up/email/new")
		wantAt(t, b.Post("/set-up/email/token", "token", older), 422, "/set-up/email/token", "That's an older token.")
		b.Post("/set-up/email/token", "token", h.Token(bsmith))
		b.Post("/set-up/sms", "phone", "6145550112")
		b.Post("/set-up/sms/token", "token", h.Token("+16145550112"))
		b.Post("/set-up/skip")
		b.Post("/set-up/default", "default", "email")
		h.Pass(2 * time.Hour)

		other := h.Browser("198.51.100.20", Chrome)
		other.SignIn("BSMITH")
		mailed := h.Token(bsmith)
		other.Post("/sign-in/other-way", "method", "sms")
		wantAt(t, other.Post("/sign-in/token", "asked", "email", "token", mailed), 422, "/sign-in/token", "That's an older token.", "the number ending")
		wantNothingCounted(t, h)

		b.SignIn("BSMITH") // remembered
		b.Get("/profile")
		wantAt(t, b.Post("/profile/default", "default", "sms"), 200, "/step-up")
		older = h.Token(bsmith)
		h.Pass(31 * time.Second)
		b.Post("/step-up/new")
		wantAt(t, b.Post("/step-up", "token", older), 422, "/step-up", "That's an older token.")
		wantNothingCounted(t, h)
		wantAt(t, b.Post("/step-up", "token", h.Token(bsmith)), 200, "/profile", "SMS (Default)")
	})
}

// TH-01: older tokens give no extra try. Whatever is typed between them, three wrong tokens are
// compared, and neither an older token nor the correct one counts after them.
func TestOlderTokensBuyNoGuess(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		for mask := range 16 { // where older tokens are typed: before each of three wrong ones, and after them
			h.Pass(26 * time.Hour)
			b := h.Browser(fmt.Sprintf("198.51.100.%d", mask+1), Chrome)
			b.SignIn("BSMITH")
			older := h.Token(bsmith)
			h.Pass(31 * time.Second)
			b.Post("/sign-in/token/new")
			right := h.Token(bsmith)
			before := countEvents(h, "BSMITH", "token.wrong refused")
			for at := range 4 {
				for range 3 * (mask >> at & 1) {
					b.Post("/sign-in/token", "token", older)
				}
				b.Post("/sign-in/token", "token", wrongFor(older, right))
			}
			if n := countEvents(h, "BSMITH", "token.wrong refused") - before; n != 3 {
				t.Errorf("%04b: %d wrong tokens were compared, want 3", mask, n)
			}
			b.Post("/sign-in/token", "token", older)
			if b.Post("/sign-in/token", "token", right); b.Cookie("session") != "" {
				t.Errorf("%04b: signed in", mask)
			}
		}
	})
}

// wrongFor returns six digits that are none of these.
func wrongFor(tokens ...string) string {
	for n := 0; ; n++ {
		wrong := fmt.Sprintf("%06d", n)
		if wrong != tokens[0] && wrong != tokens[1] {
			return wrong
		}
	}
}
