package housetest

import (
	"net/http"
	"sync"
	"testing"
)

// wantStage sends a form of the wizard and expects the way to the page where it
// stands, with the attempt as it was.
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

// A second click in the wizard throws nobody out (ER-03, TH-01): whatever comes
// for a stage that is past or not reached leads to where the wizard stands, and
// costs no try.
func TestASecondClickInTheWizard(t *testing.T) {
	Each(t, func(t *testing.T, h *House) {
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
		if among(h.Events("BSMITH"), "token.wrong.*") {
			t.Errorf("a click was judged: %v", h.Events("BSMITH"))
		}
	})
}

// Two clicks at once: one is judged, the other leads to the same page, and the
// three tries are all there still.
func TestTwoClicksAtOnceInTheWizard(t *testing.T) {
	Each(t, func(t *testing.T, h *House) {
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

// Who was signed out elsewhere meanwhile is not sent round in his own wizard.
func TestAnOwnWizardOfAnEndedSession(t *testing.T) {
	Each(t, func(t *testing.T, h *House) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		b.Get("/profile")
		wantAt(t, b.Post("/profile/setup-two-factor"), 200, "/set-up")
		b.Copy("192.0.2.10", Chrome).SignOut()
		wantAt(t, b.Post("/set-up/default", "default", "email"), 200, "/sign-in")
	})
}
