package apptest

import (
	"testing"
	"time"
)

// An app token of another minute is wrong at sign-in too, and the page says that a clock is wrong.
// A token from the future is used up by that, so that no page reveals a token that works later.
func TestAClockThatIsWrongAtSignIn(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		_, key, _ := turned(h)
		at := func(d time.Duration) string {
			h.Pass(d)
			defer h.Pass(-d)
			return h.AppToken(key)
		}
		b := h.Browser("198.51.100.20", Chrome)
		b.SignIn("BSMITH")
		early := at(3 * time.Minute)
		for _, token := range []string{at(-4 * time.Minute), early} {
			wantAt(t, b.Post("/sign-in/token", "token", token), 422, "/sign-in/token", "That token belongs to another minute", "phone's clock")
		}
		wantAt(t, b.Post("/sign-in/token", "token", at(-8*time.Minute)), 200, "/sign-in", "After three failed attempts", "enter the token that your app shows")

		b.SignIn("BSMITH")
		h.Pass(3 * time.Minute)
		if h.AppToken(key) != early {
			t.Fatal("the token is another one")
		}
		wantAt(t, b.Post("/sign-in/token", "token", early), 422, "/sign-in/token", "That token was used already.")
		h.Pass(30 * time.Second)
		wantIn(t, b.Post("/sign-in/token", "token", h.AppToken(key)), "BSMITH")
	})
}
