package apptest

import (
	"testing"
	"time"
)

// turned sets up BSMITH with an app as Default and recovery codes. It returns the signed-in
// browser, the key and the codes.
func turned(h *App) (b *Browser, key string, codes []string) {
	h.User("BSMITH")
	b = h.Browser("192.0.2.10", Chrome)
	key = b.EnrollApp("BSMITH", "app")
	codes = recoveryCodes(b)
	h.Pass(2 * time.Hour)
	return b, key, codes
}

// wantNothingCounted wants no counted try, of any attempt or limit.
func wantNothingCounted(t *testing.T, h *App) {
	t.Helper()
	if n := h.Count(`SELECT COALESCE(sum(failures), 0) FROM attempt`); n != 0 {
		t.Errorf("%d tries are kept", n)
	}
	if n := kept(h, "guess"); n != 0 {
		t.Errorf("%d guesses are kept", n)
	}
}

// M22, TH-01: a token is compared with the method that its page asked for, though the sign-in has
// switched to another method since: by Back, or in a second window. The correct one signs in.
func TestATokenAfterTheSignInWasTurned(t *testing.T) {
	for name, turn := range map[string]string{"to recovery codes": "recovery", "to email": "email"} {
		t.Run(name, func(t *testing.T) {
			Each(t, func(t *testing.T, h *App) {
				_, key, _ := turned(h)
				b := h.Browser("198.51.100.20", Chrome)
				page := b.SignIn("BSMITH")
				if page.Value("asked") != "app" {
					t.Fatalf("the page does not say what it asks for: %s", page.Text())
				}
				b.Post("/sign-in/other-way", "method", turn)
				b.page = page // Back
				wantAt(t, b.Post("/sign-in/token", "asked", "app", "token", "000000"), 422, "/sign-in/token", "You have 2 tries left.", "Open your authenticator app")
				b.Post("/sign-in/other-way", "method", turn)
				b.page = page
				wantIn(t, b.Post("/sign-in/token", "asked", "app", "token", h.AppToken(key)), "BSMITH")
				if n := h.Count(`SELECT count(*) FROM guess WHERE NOT failed`); n != 0 {
					t.Errorf("%d guesses are not settled", n)
				}
			})
		})
	}
}

// The same for a page that does not say what it asks for, like those of an earlier version: a token
// that was sent, and one of the app.
func TestATokenOfAPageOfBefore(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		_, key, _ := turned(h)
		for _, sent := range []bool{true, false} {
			h.Pass(time.Minute)
			b := h.Browser("198.51.100.20", Edge)
			b.SignIn("BSMITH")
			token := h.AppToken(key)
			if sent {
				b.Post("/sign-in/other-way", "method", "email")
				token = h.Token(bsmith)
			}
			b.Post("/sign-in/other-way", "method", "recovery")
			wantIn(t, b.Post("/sign-in/token", "token", token), "BSMITH")
			wantNothingCounted(t, h)
			b.SignOut()
			b.Forget()
		}
	})
}

// A token is never compared with a second method for one try: the method that the page names has to
// be offered, and the token sent to it has to be the newest.
func TestATokenIsComparedWithOneMethod(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		_, key, _ := turned(h)
		b := h.Browser("198.51.100.20", Chrome)
		b.SignIn("BSMITH")
		for i, asked := range []string{"sms", "recovery", "email"} { // not set up, no token, not sent
			p := b.Post("/sign-in/token", "asked", asked, "token", "000000")
			if i == 2 {
				wantAt(t, p, 200, "/sign-in", "After three failed attempts")
				break
			}
			wantAt(t, p, 422, "/sign-in/token", "Open your authenticator app")
		}
		b.SignIn("BSMITH")
		b.Post("/sign-in/other-way", "method", "email")
		wantAt(t, b.Post("/sign-in/token", "asked", "email", "token", h.AppToken(key)), 422, "/sign-in/token", "That token is not right. You have 2 tries left.")
	})
}

// The same in a step-up: the token is accepted, and the pending request continues.
func TestAStepUpThatWasTurned(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		b, key, _ := turned(h)
		b.SignIn("BSMITH") // remembered
		b.Get("/profile")
		p := b.Post("/profile/default", "default", "email")
		wantAt(t, p, 200, "/step-up", "Open your authenticator app")
		for _, turn := range []string{"recovery", "email", "recovery"} { // more often than there are tries
			b.Post("/step-up/other-way", "method", turn)
			b.page = p
			wantAt(t, b.Post("/step-up", "asked", "app", "token", "12"), 422, "/step-up")
			b.page = p
		}
		wantAt(t, b.Post("/step-up", "asked", "app", "token", h.AppToken(key)), 200, "/profile", "Email (Default)")
		wantNothingCounted(t, h)
	})
}

// The same for a passkey.
func TestAPasskeyAfterTheSignInWasTurned(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		a := h.authenticator("BSMITH")
		h.Pass(2 * time.Hour)
		b := h.Browser("198.51.100.20", Chrome)
		p := b.SignIn("BSMITH")
		b.Post("/sign-in/other-way", "method", "email")
		b.page = p // Back
		wantIn(t, b.Post("/sign-in/token", "credential", a.Answer(p.Options())), "BSMITH")
		wantNothingCounted(t, h)
	})
}

// A form of a sign-in sent to a set-up, or of a set-up sent to a sign-in, costs no try and clears
// nothing: it leads to the current page of the attempt.
func TestAFormOfAnotherStepLeadsBack(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		_, _, codes := turned(h)
		h.User("CBILLS")
		wizard := h.Browser("198.51.100.21", Chrome)
		wizard.SignIn("CBILLS")
		wizard.Post("/set-up/email", "email", "cbills@demo.example")
		for path, fields := range map[string][]string{
			"/sign-in/token":     {"recovery_code", codes[0]},
			"/sign-in/token/new": nil,
			"/sign-in/other-way": {"method", "email"},
		} {
			wantStage(t, wizard, "/set-up/email", path, fields...)
		}
		wantStage(t, wizard, "/set-up/email", "/sign-in/token", "token", "344078")
		wantStage(t, wizard, "/set-up/email", "/sign-in/token", "credential", `{"id":"a"}`)
		b := h.Browser("198.51.100.20", Chrome)
		b.SignIn("BSMITH")
		for path, fields := range map[string][]string{
			"/set-up/email": {"email", "x@y.example"}, "/set-up/email/token": {"token", "344078"}, "/set-up/app": {"token", "344078"},
			"/set-up/skip": nil, "/set-up/code": {"enrolment_code", "AAAA AAAA AAAA AAAA"},
		} {
			wantStage(t, b, "/sign-in/token", path, fields...)
		}
		wantNothingCounted(t, h)
		wantIn(t, b.Post("/sign-in/token", "recovery_code", codes[0]), "BSMITH")
	})
}
