package apptest

import (
	"strings"
	"testing"
	"time"
)

// NT-03, RC-01: a sign-in by recovery code ends other half sign-ins of the user, and the user is
// warned of them: of wrong tokens at once, on the next page; without any, when that sign-in would
// have ended.
func TestARecoveryCodeHidesNoHalfSignIn(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		codes := recoveryCodes(b)

		thief := h.Browser("203.0.113.9", Edge)
		thief.SignIn("BSMITH")
		thief.fail(1)
		own := toRecovery(h, "192.0.2.20", "BSMITH")
		wantIn(t, own.Post("/sign-in/token", "recovery_code", codes[0]), "BSMITH")
		wantAt(t, own.Get("/"), 200, "/", "Somebody knows your password", "from 203.0.113.9 and then a wrong token")

		h.Pass(2 * time.Hour)
		letters := countSubjects(h, bsmith, "Somebody may know your")
		quiet := h.Browser("203.0.113.10", Edge)
		quiet.SignIn("BSMITH")
		h.Pass(time.Minute)
		own = toRecovery(h, "192.0.2.30", "BSMITH")
		wantIn(t, own.Post("/sign-in/token", "recovery_code", codes[1]), "BSMITH")
		if p := quiet.Get("/sign-in/token"); p.Path != "/sign-in" {
			t.Errorf("the other sign-in goes on at %s", p.Path)
		}
		h.Pass(10 * time.Minute)
		if err := h.Authn.ExpireAttempts(t.Context(), h.Now()); err != nil {
			t.Fatal(err)
		}
		wantAt(t, own.Get("/"), 200, "/", "Somebody knows your password", "from 203.0.113.10 and then no right token", "once before")
		if n := countSubjects(h, bsmith, "Somebody may know your") - letters; n != 1 {
			t.Errorf("%d letters tell of it, want 1", n)
		}
	})
}

// NT-03: so does an address verified in the User Profile.
func TestAMovedAddressHidesNoHalfSignIn(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		thief := h.Browser("203.0.113.9", Edge)
		thief.SignIn("BSMITH")
		thief.fail(1)
		b.Get("/profile/email")
		b.Post("/profile/email", "email", "bob@mail.example")
		wantAt(t, b.Post("/profile/email/token", "token", h.Token("bob@mail.example")), 200, "/profile", "bob@mail.example")
		wantAt(t, b.Get("/"), 200, "/", "Somebody knows your password", "from 203.0.113.9 and then a wrong token")
	})
}

// SE-03, RC-01: what was typed before a session ended continues after a sign-in by recovery code as
// after any other.
func TestARecoveryCodeKeepsWhatWasTyped(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.Browser("192.0.2.10", Chrome).Enroll("ADMIN")
		first := h.Browser("192.0.2.11", Chrome)
		first.SignIn("ADMIN")
		first.Post("/sign-in/token", "token", h.Token("admin@demo.example"))
		codes := recoveryCodes(first)
		b := toRecovery(h, "192.0.2.20", "ADMIN") // earns no trust: the next sign-in requires a token again
		b.Post("/sign-in/token", "recovery_code", codes[0])
		b.Get("/admin/system/preferences?edit=SESSIONIDLE")
		h.Pass(61 * time.Minute)
		p := b.Post("/admin/system/preferences", "code", "SESSIONIDLE", "value", "30", "step", "save")
		wantAt(t, p, 200, "/sign-in", "What you had typed is kept")
		wantToken(t, b.Post("/sign-in", "user_id", "ADMIN", "password", Password))
		b.Post("/sign-in/other-way", "method", "recovery")
		wantAt(t, b.Post("/sign-in/token", "recovery_code", codes[1]), 200, "/step-up", "Go on with what you sent?", "save new Preferences")
		wantAt(t, b.Post("/step-up", "go_on", "yes"), 200, "/admin/system/preferences", "SESSIONIDLE is set to 30.")
	})
}

// NT-03: the warning shows when the password was typed, or the last wrong token, not when that was
// noticed.
func TestAWarningTellsWhenItWas(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		for _, c := range []struct {
			name  string
			wrong int
		}{{"no token", 0}, {"a wrong token", 1}} {
			h.Pass(2 * time.Hour)
			thief := h.Browser("203.0.113.9", Edge)
			thief.SignIn("BSMITH")
			if c.wrong > 0 {
				h.Pass(time.Minute)
				thief.fail(c.wrong)
			}
			at := h.Now()
			h.Pass(11 * time.Minute)
			if err := h.Authn.ExpireAttempts(t.Context(), h.Now()); err != nil {
				t.Fatal(err)
			}
			if text := letterWith(h, bsmith, "Somebody may know"); !strings.Contains(text, "Time: "+at.Format("January 2, 2006 at 3:04 PM")+" UTC") {
				t.Errorf("%s, typed at %s: the letter says %s", c.name, at, text)
			}
			wantAt(t, b.SignIn("BSMITH"), 200, "/", "Somebody knows your password", "Today at "+at.Format("3:04 PM"), "and then "+map[int]string{0: "no right token", 1: "a wrong token"}[c.wrong])
		}
	})
}
