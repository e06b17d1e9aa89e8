package apptest

import (
	"strings"
	"testing"

	"countersign/internal/admin"
)

// A page says after an action what has happened.
func TestPagesSayWhatIsTrue(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.EnrollApp("ADMIN", "email")

		// Signed out: whether the device stays remembered.
		wantAt(t, b.SignOut(), 200, "/sign-in", "You are signed out", "This device stays remembered")
		b.SignIn("ADMIN")
		b.Get("/")
		wantAt(t, b.Post("/sign-out", "forget_device", "yes"), 200, "/sign-in", "This device was forgotten")
		h.Set("2FAFREQUENCY", "0")
		b.SignIn("ADMIN")
		b.Post("/sign-in/token", "token", h.Token("admin@demo.example"))
		if p := b.SignOut(); !p.Says("You are signed out") || p.Says("emembered") {
			t.Errorf("frequency 0: %s", p.Text())
		}
		h.Set("2FAFREQUENCY", "7")

		// Preferences: when they apply, and what no value means.
		b.SignIn("ADMIN")
		b.Post("/sign-in/token", "token", h.Token("admin@demo.example"))
		save := func(code, value string) *Page {
			b.Get("/admin/system/preferences?edit=" + code)
			return b.Post("/admin/system/preferences", "code", code, "value", value, "reason", "a test", "step", "save")
		}
		wantAt(t, save("HELPCONTACT", "Support, 614-555-0100"), 200, "/admin/system/preferences", "HELPCONTACT is set to Support, 614-555-0100.", "It applies at once.")
		wantAt(t, save("2FAFREQUENCY", "8"), 200, "/admin/system/preferences", "It applies at each user's next sign-in.")
		if p := save("2FA", ""); !p.Says("2FA has no value, which counts as Off.") {
			t.Errorf("2FA without a value: %s", p.Text())
		}

		// While 2FA is Off no page promises a token.
		for _, path := range []string{"/profile/email", "/profile/methods/remove?method=app", "/sign-out"} {
			if p := b.Get(path); p.Status != 200 || p.Says("you are asked for a token") || p.Says("You are asked for a token") {
				t.Errorf("%s while 2FA is Off: %d %s", path, p.Status, p.Text())
			}
		}
		var title string
		for _, m := range h.Mail("admin@demo.example") {
			if strings.Contains(m.Subject, "was changed: 2FA") && !strings.Contains(m.Subject, "FREQUENCY") {
				title = m.Text
			}
		}
		if !strings.Contains(title, "Two factor authentication was turned Off") || strings.Contains(title, "less often") {
			t.Errorf("the letter about 2FA Off: %s", title)
		}
	})
}

// A step-up says that what was typed is kept only where something was typed.
func TestStepUpSaysWhatIsKept(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("CBILLS")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		h.Pass(Day / 24)
		b.SignIn("ADMIN")
		b.Get("/admin/users/CBILLS")
		if p := b.Post("/admin/users/CBILLS/disable"); p.Path != "/step-up" || p.Says("What you typed is kept") {
			t.Errorf("nothing was typed: %s %s", p.Path, p.Text())
		}
		b.Get("/admin/users/CBILLS/edit")
		if p := b.Post("/admin/users/CBILLS/edit", "name", "Carol B.", "email", "cbills@demo.example", "version", b.page.Value("version")); p.Path != "/step-up" || !p.Says("What you typed is kept.") {
			t.Errorf("a name was typed: %s %s", p.Path, p.Text())
		}
	})
}

// Turning 2FA Off without a reason stays on the page that counts the effect, with the field marked
// and what was typed kept.
func TestTurningOffWithoutAReasonStaysAtTheEffect(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		b.Get("/admin/system/preferences?edit=2FA")
		p := b.Post("/admin/system/preferences", "code", "2FA", "value", "Off", "step", "effect")
		wantAt(t, p, 200, "/admin/system/preferences", "Turn off two factor authentication?")
		p = b.Post("/admin/system/preferences", "code", "2FA", "value", "Off", "version", p.Value("version"), "page", p.Value("page"), "step", "save", "end_sessions", "yes")
		wantAt(t, p, 422, "/admin/system/preferences", "Turn off two factor authentication?", "Write a reason.")
		if !p.Has("input", "aria-invalid", "true") || p.Value("reason") != "" || p.Value("value") != "Off" {
			t.Errorf("the field is not marked: %s", p.Body)
		}
		p = b.Post("/admin/system/preferences", "code", "2FA", "value", "Off", "version", p.Value("version"), "page", "effect", "step", "save", "reason", "moving house")
		wantAt(t, p, 200, "/admin/system/preferences", "2FA is set to Off.")
	})
}

// The menu of further methods counts what it shows, and recommends one.
func TestMenuCountsWhatItShows(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		one := func(p *Page, says ...string) {
			t.Helper()
			if !p.Says(says...) || strings.Count(p.Text(), "Recommended") > 1 {
				t.Errorf("want %q, one of them recommended: %s", says, p.Text())
			}
		}
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		p := b.Post("/set-up/email/token", "token", h.Token("bsmith@demo.example"))
		one(p, "Add two additional methods?", "You have the option to add two additional methods, or skip the additional methods and always receive your token via email.", "Or set up a passkey", "Passkey Recommended")
		if below, _, _ := strings.Cut(p.Body, "Or set up a passkey"); strings.Count(below, `class="method"`) != 2 {
			t.Errorf("two methods are counted: %s", p.Text())
		}
		b.Post("/set-up/skip", "method", "app")
		one(b.Get("/set-up"), "Add one additional method (SMS)?")
		b.Post("/set-up/skip")

		// From the User Profile: what is set up, a link back, and no welcome.
		h.AddUser(admin.NewUser{Login: "CBILLS", Name: "Carol Bills", Email: "cbills@demo.example"})
		c := h.Browser("192.0.2.11", Chrome)
		c.EnrollApp("CBILLS", "app")
		c.Get("/profile")
		p = c.Post("/profile/setup-two-factor")
		one(p, "Change your methods", "You receive your token via Email or Authenticator now.", "Cancel")
		if p.Says("always receive your token via email") {
			t.Errorf("from the User Profile: %s", p.Text())
		}
		c.Post("/set-up/skip")
		p = c.Post("/set-up/default", "default", "app")
		if p.Path != "/set-up/done" || p.Says("You are ready") || !p.Says("Your methods", "Back to your User Profile") {
			t.Errorf("the end: %s %s", p.Path, p.Text())
		}
	})
}

// On a phone the app is opened first, a link leads to its store, and the QR code comes last. On a
// computer nothing opens an app.
func TestAppStepOnAPhone(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		const iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 15_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.6 Mobile/15E148 Safari/604.1"
		for login, c := range map[string]struct {
			agent, store string
			opens        bool
		}{
			"BSMITH": {iphone, "https://apps.apple.com/", true},
			"CBILLS": {ChromeAndroid, "https://play.google.com/", true},
			"JJONES": {Chrome, "", false},
		} {
			h.User(login)
			b := h.Browser("192.0.2.10", c.agent)
			b.SignIn(login)
			to := strings.ToLower(login) + "@demo.example"
			b.Post("/set-up/email", "email", to)
			b.Post("/set-up/email/token", "token", h.Token(to))
			p := b.Get("/set-up/app")
			opens, qr := strings.Index(p.Body, `href="otpauth://`), strings.Index(p.Body, `class="qr"`)
			field := strings.Index(p.Body, `name="token"`)
			if (opens >= 0) != c.opens || qr < 0 || c.opens != (field < qr) {
				t.Errorf("%s: the app at %d, the token at %d, the QR code at %d", login, opens, field, qr)
			}
			if !strings.Contains(p.Body, c.store) || c.store == "" && strings.Contains(p.Body, "play.google.com") {
				t.Errorf("%s: the page lacks %s", login, c.store)
			}
			wantAt(t, b.Post("/set-up/app", "token", h.AppToken(p.Key())), 200, "/set-up", "complete for the app method")
		}
	})
}
