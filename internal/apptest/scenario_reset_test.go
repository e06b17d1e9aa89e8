package apptest

import (
	"strings"
	"testing"
	"time"

	"countersign"
)

// M26, M25: without the right there are no buttons, and the request itself is refused. With it both
// are on another user's page.
func TestResetByAnAdministrator(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("CBILLS")
		h.User("JJONES", countersign.RightUsers)
		h.Administrator()
		victim := h.Browser("192.0.2.10", Chrome)
		victim.Enroll("BSMITH")

		lacks := h.Browser("192.0.2.11", Chrome)
		lacks.Enroll("JJONES")
		page := lacks.Get("/admin/users/BSMITH")
		wantAt(t, page, 200, "/admin/users/BSMITH", "Bob Smith")
		if page.Says("Reset/Disable 2 Factor Authentication") {
			t.Error("the button stands without the right")
		}
		if p := lacks.Post("/admin/users/BSMITH/reset-two-factor", "reason", "phone lost"); p.Status != 403 {
			t.Errorf("without the right: %d, want 403", p.Status)
		}

		admin := h.Browser("192.0.2.12", Chrome)
		admin.Enroll("ADMIN")
		page = admin.Get("/admin/users/bsmith")
		if !page.Says("Setup 2 Factor Authentication", "Reset/Disable 2 Factor Authentication") {
			t.Errorf("the buttons do not stand: %s", page.Text())
		}
		admin.Get("/admin/users/BSMITH/reset-two-factor")
		if p := admin.Post("/admin/users/BSMITH/reset-two-factor", "reason", " "); p.Status != 422 || !p.Says("Write a reason.") {
			t.Errorf("without a reason: %d %s", p.Status, p.Text())
		}
		if p := admin.Post("/admin/users/BSMITH/reset-two-factor", "reason", "phone lost"); p.Status != 200 || !p.Says("was reset") {
			t.Fatalf("reset: %d %s", p.Status, p.Text())
		}
		if p := victim.Get("/profile"); p.Path != "/sign-in" {
			t.Errorf("the session of the user goes on after the reset: %s", p.Path)
		}
		if !strings.Contains(strings.Join(h.Subjects("bsmith@demo.example"), "\n"), "reset") {
			t.Errorf("the user was not told: %q", h.Subjects("bsmith@demo.example"))
		}
		wantSetUp(t, victim.SignIn("BSMITH"))
		if p := victim.Get("/profile"); p.Path == "/profile" {
			t.Error("set-up does not stand between the sign-in and everything else (M27)")
		}
	})
}

// M27, RS-03: a reset is open for 24 hours. After that the password alone opens nothing.
func TestResetLapses(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Administrator()
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		if _, err := h.Admin.ResetTwoFactor(t.Context(), h.Visit(), Operator, "BSMITH", "phone lost"); err != nil {
			t.Fatal(err)
		}
		h.Pass(24*time.Hour - time.Millisecond)
		b := h.Browser("192.0.2.10", Chrome)
		wantSetUp(t, b.SignIn("BSMITH"))
		h.Pass(time.Millisecond)
		p := b.SignIn("BSMITH")
		if p.Status != 403 || !p.Says("Set-up is closed") {
			t.Fatalf("after 24 hours: %d %s", p.Status, p.Text())
		}
		if _, err := h.Admin.ResetTwoFactor(t.Context(), h.Visit(), Operator, "BSMITH", "once more"); err != nil {
			t.Fatal(err)
		}
		wantAt(t, b.Enroll("BSMITH"), 200, "/set-up/done")
		h.Pass(25 * time.Hour)
		b.SignOut()
		wantIn(t, b.SignIn("BSMITH"), "BSMITH") // finished: the reset has ended for good
	})
}

// M24: users who reset themselves must enter the password again; it ends every session, and this
// browser can only set up.
func TestResetOfOneself(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		other := h.Browser("192.0.2.11", Chrome)
		other.SignIn("BSMITH")
		other.Post("/sign-in/token", "token", h.Token("bsmith@demo.example"))
		page := b.Get("/profile")
		wantAt(t, page, 200, "/profile", "Setup 2 Factor Authentication", "Reset/Disable 2 Factor Authentication")
		b.Get("/profile/reset-two-factor")
		if p := b.Post("/profile/reset-two-factor", "password", "not my password at all"); p.Status != 422 {
			t.Fatalf("a wrong password: %d", p.Status)
		}
		wantSetUp(t, b.Post("/profile/reset-two-factor", "password", Password))
		for _, path := range []string{"/", "/profile"} {
			if p := b.Get(path); p.Path == path {
				t.Errorf("%s is open before set-up is done", path)
			}
			if p := other.Get(path); p.Path == path {
				t.Errorf("%s is open in another session", path)
			}
		}
		b.Get("/set-up")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		b.Post("/set-up/email/token", "token", h.Token("bsmith@demo.example"))
		wantAt(t, b.Post("/set-up/skip"), 200, "/set-up/done")
		wantIn(t, b.Get("/"), "BSMITH")
	})
}

// A reset of oneself requires a recent second factor once five minutes have passed, and then
// continues by itself (M24, SE-06, RS-01).
func TestStepUpBeforeOwnReset(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		h.Pass(6 * time.Minute)
		b.Get("/profile/reset-two-factor")
		asked := b.Post("/profile/reset-two-factor", "password", Password)
		wantAt(t, asked, 200, "/step-up", "a remembered device does not count")
		old := b.Cookie("session")
		wantAt(t, b.Post("/step-up", "token", "000000"), 422, "/step-up", "That token is not right.")
		wantSetUp(t, b.Post("/step-up", "token", h.Token("bsmith@demo.example")))
		if b.Cookie("session") == old {
			t.Error("the session's handle was not replaced (SE-01)")
		}
	})
}

// M34: the four reasons for a reset can each be solved without one if the user has another method,
// by «Setup» in the User Profile.
func TestResetReasons(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		t.Run("phone left at home: the email fallback", func(t *testing.T) {
			h.User("BSMITH")
			h.Browser("192.0.2.10", Chrome).EnrollApp("BSMITH", "app")
			b := h.Browser("192.0.2.20", Chrome)
			b.SignIn("BSMITH")
			b.Post("/sign-in/other-way", "method", "email")
			wantIn(t, b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
		})
		t.Run("a new phone number, and the Default switched", func(t *testing.T) {
			h.User("CBILLS")
			b := h.Browser("192.0.2.10", Chrome)
			b.Enroll("CBILLS")
			b.Get("/profile")
			wantAt(t, b.Post("/profile/setup-two-factor"), 200, "/set-up")
			b.Get("/set-up/sms")
			b.Post("/set-up/sms", "phone", "6145550112")
			b.Post("/set-up/sms/token", "token", h.Token("+16145550112"))
			b.Get("/set-up")
			b.Post("/set-up/skip")
			wantAt(t, b.Post("/set-up/default", "default", "sms"), 200, "/set-up/done")
			h.Pass(4 * time.Minute)
			b.Get("/profile")
			b.Post("/profile/setup-two-factor")
			b.Get("/set-up/sms")
			b.Post("/set-up/sms", "phone", "6145550199")
			b.Post("/set-up/sms/token", "token", h.Token("+16145550199"))
			b.Get("/set-up")
			b.Post("/set-up/skip")
			b.Post("/set-up/default", "default", "sms")
			again := h.Browser("192.0.2.77", Chrome)
			wantAt(t, again.SignIn("CBILLS"), 200, "/sign-in/token", "the number ending 99")
			wantIn(t, again.Post("/sign-in/token", "token", h.Token("+16145550199")), "CBILLS")
		})
		t.Run("a new email address, proved by the app", func(t *testing.T) {
			h.User("JJONES")
			b := h.Browser("192.0.2.10", Chrome)
			key := b.EnrollApp("JJONES", "app")
			h.Pass(10 * time.Minute)
			b.Get("/profile")
			b.Post("/profile/setup-two-factor")
			p := b.Post("/step-up", "token", h.AppToken(key))
			wantAt(t, p, 200, "/set-up")
			b.Get("/set-up/email")
			b.Post("/set-up/email", "email", "jim@elsewhere.example")
			b.Post("/set-up/email/token", "token", h.Token("jim@elsewhere.example"))
			b.Get("/set-up")
			b.Post("/set-up/skip")
			wantAt(t, b.Post("/set-up/default", "default", "email"), 200, "/set-up/done")
			told := strings.Join(h.Subjects("jjones@demo.example"), "\n")
			if !strings.Contains(told, "address") {
				t.Errorf("the old address was not told: %q", told)
			}
			again := h.Browser("192.0.2.78", Chrome)
			again.SignIn("JJONES")
			wantIn(t, again.Post("/sign-in/token", "token", h.Token("jim@elsewhere.example")), "JJONES")
		})
		t.Run("no method left: an administrator helps", func(t *testing.T) {
			if _, err := h.Admin.ResetTwoFactor(t.Context(), h.Visit(), Operator, "JJONES", "mailbox is gone"); err != nil {
				t.Fatal(err)
			}
			wantSetUp(t, h.Browser("192.0.2.10", Chrome).SignIn("JJONES"))
		})
	})
}
