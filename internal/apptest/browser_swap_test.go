package apptest

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"countersign/internal/store"
)

// SE-06: what a user posted before their session ended continues for no other user of the same
// browser, and no other user sees it.
func TestKeptChangeIsItsUsersOnly(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("JJONES")
		h.User("BSMITH")
		h.Administrator()
		h.Browser("192.0.2.20", Chrome).Enroll("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		b.Get("/admin/users/JJONES")
		h.Pass(31 * 24 * time.Hour)
		wantAt(t, b.Post("/admin/users/JJONES/disable"), 200, "/sign-in", "is kept")
		b.Post("/sign-in", "user_id", "BSMITH", "password", Password)
		p := b.Post("/sign-in/token", "token", h.Token(bsmith))
		if p.Path != "/" || p.Says("JJONES") {
			t.Errorf("%s: %s", p.Path, p.Text())
		}
		if p = b.Get("/step-up"); p.Path == "/step-up" || p.Says("JJONES") {
			t.Errorf("%s: %s", p.Path, p.Text())
		}
	})
}

// SE-02: the cookie of a set-up opened from a User Profile is useless with another session, or
// none.
func TestOwnWizardBesideAnotherSession(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("CBILLS")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		other := h.Browser("192.0.2.10", Chrome)
		other.Enroll("CBILLS")
		b.Get("/profile")
		wantAt(t, b.Post("/profile/setup-two-factor"), 200, "/set-up")
		page := b.page
		at, _ := url.Parse(publicURL)
		for _, thief := range []*Browser{h.Browser("192.0.2.30", Chrome), other} {
			thief.jar.SetCookies(at, []*http.Cookie{{Name: "attempt", Value: b.Cookie("attempt"), Path: "/"}})
			thief.page = page
			before := len(h.Mail(""))
			for _, form := range [][]string{{"/set-up/email", "email", "thief@demo.example"}, {"/set-up/sms", "phone", "6145550119"}, {"/set-up/skip"}, {"/set-up/default", "default", "email"}} {
				if p := thief.Send(form[0], form[1:]...); p.Status == 200 || p.Location == "/set-up" || p.Location == "/set-up/email" {
					t.Errorf("%v: %d %s", form, p.Status, p.Location)
				}
			}
			if n := len(h.Mail("")); n != before {
				t.Errorf("%d letters were sent", n-before)
			}
		}
		wantAt(t, b.Get("/set-up"), 200, "/set-up")
	})
}

// A password that was replaced while it was being compared does not sign in.
func TestPasswordReplacedWhileItIsCompared(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) string{"SQLite": SQLite, "PostgreSQL": PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var between Interlude
			h := Open(t, open(t), store.Through(between.Through))
			h.User("BSMITH")
			h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
			path, key := forgot(t, h, "BSMITH")
			node := h.Node()
			b := h.Browser("198.51.100.4", Edge)
			b.Get("/sign-in")
			replaced := false
			between.Once("INSERT INTO guess", func() {
				c := node.Browser("192.0.2.99", Chrome)
				c.Get(path)
				replaced = c.Send("/password/reset", "key", key, "new_password", "another horse and 1 more staple").Status == 303
			})
			p := b.Post("/sign-in", "user_id", "BSMITH", "password", Password)
			if !replaced {
				t.Error("nothing was replaced in between")
			}
			if p.Status != 422 || !p.Says("The user ID or the password is not right.") {
				t.Errorf("%d %s: %s", p.Status, p.Path, p.Text())
			}
		})
	}
}

// DV-03: the secret of a device changes after each second factor. A cookie copied before requires a
// token.
func TestADeviceSecretIsRenewed(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		ownBrowser := h.Browser("192.0.2.10", Chrome)
		ownBrowser.Enroll("BSMITH")
		ownBrowser.SignOut()
		copied := ownBrowser.Copy("192.0.2.10", Chrome)
		again := ownBrowser.Copy("192.0.2.10", Chrome)
		wantIn(t, again.SignIn("BSMITH"), "BSMITH") // as good as the device itself, until its secret changes
		h.Pass(8 * Day)
		wantToken(t, ownBrowser.SignIn("BSMITH"))
		wantIn(t, ownBrowser.Post("/sign-in/token", "token", h.Token(bsmith)), "BSMITH")
		wantToken(t, copied.SignIn("BSMITH"))
		ownBrowser.SignOut()
		wantIn(t, ownBrowser.SignIn("BSMITH"), "BSMITH")
	})
}

// A device cookie that arrives with another browser and another system at once was copied: it is
// forgotten, and its owner needs a token too.
func TestACopiedDeviceIsForgotten(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		ownBrowser := h.Browser("192.0.2.10", Chrome)
		ownBrowser.Enroll("BSMITH")
		ownBrowser.SignOut()
		thief := ownBrowser.Copy("192.0.2.10", SafariMac)
		wantToken(t, thief.SignIn("BSMITH"))
		wantIn(t, thief.Post("/sign-in/token", "token", h.Token(bsmith)), "BSMITH")
		if n := countEvents(h, "BSMITH", "device.copied refused"); n != 1 {
			t.Errorf("%d rows tell of it", n)
		}
		if n := kept(h, "device WHERE forgotten_why = 'copied'"); n != 1 {
			t.Errorf("%d devices are forgotten", n)
		}
		wantToken(t, ownBrowser.SignIn("BSMITH"))
	})
}
