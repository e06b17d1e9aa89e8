package apptest

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// wantStage sends a form of set-up and wants a redirect to its current page, with the attempt
// unchanged.
func wantStage(t *testing.T, b *Browser, want, path string, fields ...string) {
	t.Helper()
	attempt := b.Cookie("attempt")
	p := b.Send(path, fields...)
	if p.Status != http.StatusSeeOther || p.Location != want {
		t.Errorf("%s: %d %s, want the way to %s", path, p.Status, p.Location, want)
	}
	if attempt == "" || b.Cookie("attempt") != attempt {
		t.Errorf("%s: the attempt is lost", path)
	}
}

// A second click in set-up ends nothing (ER-03, TH-01): a form of a stage that is past or not
// reached leads to the current page, and costs no try.
func TestASecondClickInTheWizard(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		token := h.Token("bsmith@demo.example")
		for _, early := range []string{"/set-up/skip", "/set-up/default", "/set-up/app", "/set-up/sms", "/set-up/sms/token", "/set-up/email/confirm"} {
			wantStage(t, b, "/set-up/email", early, "token", "344078", "phone", "6145550112", "default", "email")
		}
		wantStage(t, b, "/set-up", "/set-up/email/token", "token", token)
		for range 4 { // more often than there are tries
			wantStage(t, b, "/set-up", "/set-up/email/token", "token", token)
		}
		wantAt(t, b.Get("/set-up"), 200, "/set-up")
		app := h.AppToken(b.Get("/set-up/app").Key())
		wantStage(t, b, "/set-up", "/set-up/app", "token", app)
		for range 4 {
			wantStage(t, b, "/set-up", "/set-up/app", "token", app)
		}
		wantAt(t, b.Get("/set-up/app"), 200, "/set-up", "complete for the app method")
		wantStage(t, b, "/set-up/default", "/set-up/skip")
		wantStage(t, b, "/set-up/default", "/set-up/skip")
		wantAt(t, b.Get("/set-up/default"), 200, "/set-up/default")
		wantAt(t, b.Post("/set-up/default", "default", "app"), 200, "/set-up/done")
		if slices.Contains(h.Events("BSMITH"), "token.wrong refused") {
			t.Errorf("a click was judged: %v", h.Events("BSMITH"))
		}
	})
}

// Two clicks at once: one is processed, the other leads to the same page, and all three tries are
// left.
func TestTwoClicksAtOnceInTheWizard(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		token := h.Token("bsmith@demo.example")
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				if p := b.Send("/set-up/email/token", "token", token); p.Status != http.StatusSeeOther || p.Location != "/set-up" {
					t.Errorf("%d %s", p.Status, p.Location)
				}
			})
		}
		all.Wait()
		b.Get("/set-up/app")
		wantAt(t, b.Post("/set-up/app", "token", otherThan(h.AppToken(b.page.Key()))), 422, "/set-up/app", "You have 2 tries left")
		wantAt(t, b.Post("/set-up/app", "token", otherThan(h.AppToken(b.page.Key()))), 422, "/set-up/app", "1 try left")
		wantAt(t, b.Post("/set-up/app", "token", h.AppToken(b.page.Key())), 200, "/set-up")
	})
}

// A user who was signed out elsewhere is not redirected in circles in their own set-up.
func TestAnOwnWizardOfAnEndedSession(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		b.Get("/profile")
		wantAt(t, b.Post("/profile/setup-two-factor"), 200, "/set-up")
		b.Copy("192.0.2.10", Chrome).SignOut()
		wantAt(t, b.Post("/set-up/default", "default", "email"), 200, "/sign-in")
	})
}

// A passkey that is sent twice is created once. The second click costs no try and no prompt, and
// leads to the current page (TH-01, PK-01).
func TestAPasskeyIsMadeByTheFirstOfTwoClicksAtOnce(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		a := NewAuthenticator(t)
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		b.Post("/set-up/email/token", "token", h.Token("bsmith@demo.example"))
		made := a.Make(b.Get("/set-up/passkey").Options())
		form := []string{"passkey_name", "Chrome on Windows", "credential", made}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if p := b.Send("/set-up/passkey", form...); p.Status != http.StatusSeeOther || p.Location != "/set-up" {
					t.Errorf("at once: %d %s", p.Status, p.Location)
				}
			})
		}
		all.Wait()
		for range 12 { // more often than there are prompts
			wantStage(t, b, "/set-up", "/set-up/passkey", form...)
		}
		if got := h.Events("BSMITH"); count(got, "method.added ok") != 2 || count(got, "token.wrong refused") != 0 {
			t.Errorf("the audit log: %v", got)
		}
		b.Get("/set-up/app")
		wantAt(t, b.Post("/set-up/app", "token", otherThan(h.AppToken(b.page.Key()))), 422, "/set-up/app", "You have 2 tries left")
	})
}

// before returns the browser as it is before it reads the next answer: what a second click sends.
func before(b *Browser) *Browser {
	c := b.Copy(b.IP, b.Agent)
	c.page = b.page
	return c
}

// A second click on the last button of a set-up opened from the User Profile says that set-up is
// complete, as the first one did. A user who has not got what they asked for is told that set-up
// has ended.
func TestASecondClickAtTheEnd(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.EnrollApp("BSMITH", "app")
		begin := func() {
			b.Get("/profile")
			wantAt(t, b.Post("/profile/setup-two-factor"), 200, "/set-up")
		}
		done := func(path string, fields ...string) {
			t.Helper()
			again := before(b)
			first := b.Send(path, fields...)
			second := again.Send(path, fields...)
			if !strings.HasPrefix(first.Location, "/set-up/done") || second.Status != http.StatusSeeOther || second.Location != "/set-up/done" {
				t.Errorf("%s: first to %s, then %d to %s", path, first.Location, second.Status, second.Location)
			}
		}
		begin()
		wantAt(t, b.Post("/set-up/skip"), 200, "/set-up/default")
		done("/set-up/default", "default", "app")
		begin()
		wantAt(t, b.Post("/set-up/skip"), 200, "/set-up/default")
		again := before(b)
		b.Send("/set-up/default", "default", "app")
		if p := again.Send("/set-up/default", "default", "email"); p.Status != http.StatusGone || !p.Says("Set-up is not open here any more") {
			t.Errorf("another Default: %d %s", p.Status, p.Text())
		}
	})
}

// In the set-up of a sign-in the second click leads to the end of set-up as well, in the browser
// that the first one has signed in, and to the sign-in page in any other.
func TestASecondClickThatSignsIn(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		b.Post("/set-up/email/token", "token", h.Token("bsmith@demo.example"))
		again := before(b)
		if p := b.Send("/set-up/skip"); p.Location != "/set-up/done" {
			t.Fatalf("%d %s", p.Status, p.Location)
		}
		second := again.Send("/set-up/skip")
		if second.Status != http.StatusSeeOther || again.Cookie("session") != "" {
			t.Fatalf("%d, session %q", second.Status, again.Cookie("session"))
		}
		wantAt(t, b.Get(second.Location), 200, "/set-up/done", "Two factor authentication set-up is complete.")
		wantAt(t, again.Get(second.Location), 200, "/sign-in", "Set-up is not open here any more")
	})
}
