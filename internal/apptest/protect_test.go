package apptest

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/policy"
	"countersign/internal/web"
)

// ER-01, RS-04: a user who is not set up, or was reset, can only finish set-up: no route answers
// with a page or creates a session, whatever is posted.
func TestWizardOpensNothingElse(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		h.reset("BSMITH")
		for _, login := range []string{"ADMIN", "BSMITH"} {
			b := h.Browser("192.0.2.20", Chrome)
			wantSetUp(t, b.SignIn(login))
			token := b.page.FormToken()
			tried := 0
			for _, r := range h.Routes {
				if r.Kind == web.RouteOpen {
					continue
				}
				tried++
				method, _, _ := strings.Cut(r.Pattern, " ")
				var form url.Values
				if method == http.MethodPost {
					form = url.Values{"form_token": {token}}
				}
				p := b.Do(method, place(r, login), form)
				if p.Status/100 == 2 || slices.ContainsFunc(p.Header.Values("Set-Cookie"), func(c string) bool { return strings.HasPrefix(c, "session=") && !strings.HasPrefix(c, "session=;") }) {
					t.Errorf("%s: %s answered %d", login, r.Pattern, p.Status)
				}
			}
			if tried < 20 {
				t.Errorf("only %d routes were tried", tried)
			}
			if login == "BSMITH" {
				wantSetUp(t, b.SignIn(login))
			}
		}
	})
}

// ER-02: a thief who has the password and is first at set-up types their own address. Without the
// profile's mailbox nothing is enrolled, and the profile's address gets a notice of every attempt.
// With 2FAEMAILOTHER Allow the TechNote's own way is open, with a notice as well; with No nothing
// is.
func TestThiefEnrolsFirst(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		thief := h.Browser("203.0.113.9", Chrome)
		told := func() int {
			n := 0
			for _, m := range h.Mail("bsmith@demo.example") {
				if strings.Contains(m.Text, "thief@evil.example") {
					n++
				}
			}
			return n
		}
		for attempt := 1; attempt <= 3; attempt++ {
			thief.SignIn("BSMITH")
			wantAt(t, thief.Post("/set-up/email", "email", "thief@evil.example"), 200, "/set-up/email", "First confirm the address on file")
			if n := told(); n != attempt {
				t.Errorf("the profile's address was told %d times of %d attempts", n, attempt)
			}
			thief.Post("/set-up/email/token", "token", "000000") // the token of the other address: there is none
			thief.Post("/set-up/email/confirm", "token", "000000")
			thief.Post("/set-up/skip")
			thief.Post("/set-up/default", "default", "email")
			if s := h.standing("BSMITH"); s.Methods != "" || s.Sessions != 0 {
				t.Fatalf("something was enrolled: %+v", s)
			}
		}
		if n := len(h.Mail("thief@evil.example")); n != 0 {
			t.Errorf("%d messages went to the thief", n)
		}

		h.Set("2FAEMAILOTHER", "No")
		thief.SignIn("BSMITH")
		if p := thief.Post("/set-up/email", "email", "thief@evil.example"); p.Status != 422 || !p.Says("Only the address in your User Profile") {
			t.Errorf("No: %d %s", p.Status, p.Text())
		}
		h.Set("2FAEMAILOTHER", "Allow")
		thief.SignIn("BSMITH")
		thief.Post("/set-up/email", "email", "thief@evil.example")
		if n := told(); n != 4 {
			t.Errorf("Allow: the profile's address was told %d times of 4 attempts", n)
		}
		thief.Post("/set-up/email/token", "token", h.Token("thief@evil.example"))
		if n := told(); n != 5 || h.standing("BSMITH").Methods != "email" {
			t.Errorf("Allow: told %d times, and %+v", n, h.standing("BSMITH"))
		}
	})
}

// ER-03: a second set-up ends the first. Finishing, resetting and disabling end all others, and
// their keys and tokens become invalid.
func TestOneWizardCounts(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		first, second := h.Browser("192.0.2.10", Chrome), h.Browser("192.0.2.11", Chrome)
		first.SignIn("BSMITH")
		first.Post("/set-up/email", "email", "bsmith@demo.example")
		stale := h.Token("bsmith@demo.example")
		second.SignIn("BSMITH")
		second.Post("/set-up/email", "email", "bsmith@demo.example")
		wantAt(t, first.Post("/set-up/email/token", "token", stale), 200, "/sign-in", "You signed in elsewhere, so this sign-in ended")
		second.Post("/set-up/email/token", "token", h.Token("bsmith@demo.example"))
		second.Post("/set-up/skip")

		// A set-up from the User Profile, with a key on its page.
		open := func() (*Browser, string) {
			t.Helper()
			b := h.Browser("192.0.2.12", Chrome)
			if p := b.SignIn("BSMITH"); p.Path == "/sign-in/token" {
				b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example"))
			}
			b.Get("/profile")
			wantAt(t, b.Post("/profile/setup-two-factor"), 200, "/set-up")
			return b, b.Get("/set-up/app").Key()
		}
		dead := func(what string, b *Browser, key string) {
			t.Helper()
			if p := b.Post("/set-up/app", "token", h.AppToken(key)); p.Path == "/set-up" || strings.Contains(h.standing("BSMITH").Methods, "app") {
				t.Errorf("%s: the other wizard's key was taken at %s", what, p.Path)
			}
			h.Pass(31 * time.Second)
		}
		one, key := open()
		two, _ := open()
		dead("opened again", one, key)
		two.Get("/set-up")
		two.Post("/set-up/skip")

		one, key = open()
		if _, err := h.Admin.ResetTwoFactor(t.Context(), h.Visit(), Operator, "BSMITH", "phone lost"); err != nil {
			t.Fatal(err)
		}
		dead("reset", one, key)

		wizard := h.Browser("192.0.2.13", Chrome)
		wizard.SignIn("BSMITH")
		wizard.Post("/set-up/email", "email", "bsmith@demo.example")
		token := h.Token("bsmith@demo.example")
		off := true
		if _, err := h.Admin.EditUser(t.Context(), h.Visit(), Operator, "BSMITH", admin.Change{Version: admin.AnyVersion, Disabled: &off}); err != nil {
			t.Fatal(err)
		}
		if p := wizard.Post("/set-up/email/token", "token", token); p.Path != "/sign-in" || h.standing("BSMITH").Methods != "" {
			t.Errorf("disabled: %s", p.Path)
		}
	})
}

// ER-03, OT-07: the key on the app's page is valid for ten minutes. A reload within them keeps it
// and writes nothing; a later one shows a new key. A token of the old key is refused with a
// sentence, and one of the new key is accepted.
func TestPendingKeyLivesTenMinutes(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		b.Post("/set-up/email/token", "token", h.Token("bsmith@demo.example"))
		key := b.Get("/set-up/app").Key()
		dump := dumper(t, h)
		before := dump()
		h.Pass(policy.KeyLife - time.Millisecond)
		if again := b.Get("/set-up/app").Key(); again != key || len(key) != 32 {
			t.Errorf("a reload within ten minutes shows %q, want %q", again, key)
		}
		h.Pass(time.Millisecond)
		renewed := b.Get("/set-up/app").Key()
		if renewed == key || len(renewed) != 32 {
			t.Fatalf("after ten minutes the page shows %q", renewed)
		}
		if changed := before.changes(dump()); len(changed) != 0 {
			t.Errorf("looking at the page changed %v", changed)
		}
		wantAt(t, b.Post("/set-up/app", "token", h.AppToken(key)), 422, "/set-up/app", "That token was made with the key of before", "2 tries left")
		h.Pass(policy.KeyLife)
		third := b.Get("/set-up/app").Key()
		if third == renewed || third == key {
			t.Error("the third key is one of before")
		}
		wantAt(t, b.Post("/set-up/app", "token", h.AppToken(third)), 200, "/set-up", "Two Factor Authentication set up is now complete for the app method.")
		if next := b.Get("/set-up/app"); next.Path == "/set-up/app" && next.Key() == third {
			t.Error("a key that was proved is shown again")
		}
		b.Get("/set-up")
		b.Post("/set-up/skip")
		b.Post("/set-up/default", "default", "app")
		h.Pass(time.Minute)
		x := h.Browser("192.0.2.20", Chrome)
		x.SignIn("BSMITH")
		wantIn(t, x.Post("/sign-in/token", "token", h.AppToken(third)), "BSMITH")
	})
}

// ER-06: the browser closes at each step. Verified methods stay, everything else leaves nothing. An
// unverified method can't become the Default.
func TestBrowserDiesAtEachStep(t *testing.T) {
	to := "bsmith@demo.example"
	steps := []struct {
		name string
		does func(h *App, b *Browser)
		want string // methods that stay
	}{
		{"at the first page", func(*App, *Browser) {}, ""},
		{"after the address", func(_ *App, b *Browser) { b.Post("/set-up/email", "email", to) }, ""},
		{"after the email token", func(h *App, b *Browser) { b.Post("/set-up/email/token", "token", h.Token(to)) }, "email"},
		{"at the app's page", func(_ *App, b *Browser) { b.Get("/set-up/app") }, "email"},
		{"after a number", func(_ *App, b *Browser) {
			b.Get("/set-up/sms")
			b.Post("/set-up/sms", "phone", "6145550112")
		}, "email"},
		{"after the SMS token", func(h *App, b *Browser) { b.Post("/set-up/sms/token", "token", h.Token("+16145550112")) }, "email sms"},
		{"after forged Defaults", func(_ *App, b *Browser) {
			for _, forged := range []string{"app", "recovery", "passkey", ""} {
				if p := b.Post("/set-up/default", "default", forged); p.Path == "/set-up/done" {
					b.House.T.Errorf("Default %q was taken", forged)
				}
			}
		}, "email sms"},
	}
	Each(t, func(t *testing.T, h *App) {
		for i := range steps {
			h.newOrReset("BSMITH")
			b := h.Browser("192.0.2.10", Chrome)
			b.SignIn("BSMITH")
			for _, s := range steps[:i+1] {
				s.does(h, b)
			}
			b.Forget()
			if s := h.standing("BSMITH"); s.Methods != steps[i].want || s.Sessions != 0 || s.Devices != 0 {
				t.Errorf("%s: %+v, want methods %q", steps[i].name, s, steps[i].want)
			}
			p := h.Browser("192.0.2.11", Chrome).SignIn("BSMITH")
			if steps[i].want == "" {
				wantSetUp(t, p)
			} else {
				wantToken(t, p)
			}
			h.Pass(2 * time.Hour)
		}
	})
}

// newOrReset adds a user who was never set up, or resets an existing one.
func (h *App) newOrReset(login string) {
	h.T.Helper()
	if _, err := h.Admin.User(context.Background(), h.Visit(), Operator, login); countersign.KindOf(err) == countersign.KindNotFound {
		h.User(login)
		return
	}
	h.reset(login)
}

// RS-03: set-up can be opened five times after a reset. Each opening is mailed and counted, and the
// user's page shows the number. Cancelling closes it, and a second reset opens it again.
func TestFiveOpenings(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		office := h.Browser("192.0.2.11", Chrome)
		office.Enroll("ADMIN")
		h.reset("BSMITH")
		openings := func() (n int) {
			for _, m := range h.Mail("bsmith@demo.example") {
				if strings.Contains(m.Subject, "Set-up was opened") {
					n++
				}
			}
			return n
		}
		var last *Browser
		for i := 1; i <= policy.MaxEnrollmentOpenings; i++ {
			last = h.Browser("192.0.2.20", Chrome)
			wantSetUp(t, last.SignIn("BSMITH"))
			if n := openings(); n != i {
				t.Fatalf("%d letters after %d openings", n, i)
			}
		}
		wantAt(t, office.Get("/admin/users/BSMITH"), 200, "/admin/users/BSMITH", "Set-up was opened 5 of 5 times", "Reset open until")
		sixth := h.Browser("192.0.2.21", Chrome)
		wantAt(t, sixth.SignIn("BSMITH"), 403, "/sign-in", "Set-up is closed", "set-up was opened 5 times")
		if p := last.Get("/set-up/email"); p.Path != "/set-up/email" || p.Status != 200 {
			t.Errorf("the sixth sign-in ended the fifth wizard: %s", p.Path)
		}

		h.reset("BSMITH") // a second reset restarts the count, and the open set-up ends
		if p := last.Get("/set-up/email"); p.Path != "/sign-in" {
			t.Errorf("a second reset leaves the wizard open: %s", p.Path)
		}
		wantSetUp(t, last.SignIn("BSMITH"))
		office.Get("/admin/users/BSMITH")
		wantAt(t, office.Post("/admin/users/BSMITH/reset-two-factor/cancel"), 200, "/admin/users/BSMITH", "The reset was canceled.", "Reset over")
		if p := last.Get("/set-up/email"); p.Path != "/sign-in" {
			t.Errorf("cancelling leaves the wizard open: %s", p.Path)
		}
		wantAt(t, last.SignIn("BSMITH"), 403, "/sign-in", "Set-up is closed", "an administrator canceled that reset")
		wantAt(t, office.Post("/admin/users/BSMITH/reset-two-factor/cancel"), 422, "/admin/users/BSMITH/reset-two-factor/cancel", "No reset of BSMITH is open.")
		if letterWith(h, "bsmith@demo.example", "was canceled") == "" || letterWith(h, "admin@demo.example", "canceled the reset of BSMITH") == "" ||
			!slices.Contains(h.Events("BSMITH"), "two-factor.reset_cancelled ok") {
			t.Error("cancelling is not told, or not audited")
		}
	})
}
