package apptest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Nothing expired works, even if it is never deleted: applications in tests do not prune, and the
// rows are still there.
func TestNothingExpiredWorks(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		h.User("CBILLS")
		h.invitedUser("JJONES")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		there := func(table, where string) {
			t.Helper()
			var n int
			if err := h.Raw().QueryRowContext(t.Context(), `SELECT count(*) FROM `+table+` WHERE agency_id = $1 AND `+where, string(h.Agency.ID)).Scan(&n); err != nil || n == 0 {
				t.Errorf("no row of %s is left, so the test proves nothing: %v", table, err)
			}
		}

		half := h.Browser("192.0.2.20", Chrome)
		half.SignIn("BSMITH")
		token := h.Token("bsmith@demo.example")
		h.Pass(2 * time.Minute)
		if p := half.Send("/sign-in/token", "token", token); p.Status != http.StatusUnprocessableEntity || half.Cookie("session") != "" {
			t.Errorf("a token of two minutes ago: %d", p.Status)
		}
		h.Pass(8 * time.Minute)
		there("attempt", "purpose = 'sign-in'")
		for _, path := range []string{"/sign-in/token", "/sign-in/other-way"} {
			if p := half.Do("GET", path, nil); p.Status != http.StatusSeeOther || !strings.HasPrefix(p.Location, "/sign-in?") {
				t.Errorf("%s after ten minutes: %d %s", path, p.Status, p.Location)
			}
		}
		if p := half.Send("/sign-in/token/new"); p.Location == "/sign-in/token" {
			t.Error("a sign-in that is over sends a token")
		}

		wizard := h.Browser("192.0.2.30", Chrome)
		wizard.SignIn("CBILLS")
		wizard.Post("/set-up/email", "email", "cbills@demo.example")
		token = h.Token("cbills@demo.example")
		h.Pass(30 * time.Minute)
		if p := wizard.Send("/set-up/email/token", "token", token); p.Status == http.StatusOK || wizard.Cookie("session") != "" || strings.HasPrefix(p.Location, "/set-up") {
			t.Errorf("a wizard of half an hour ago: %d %s", p.Status, p.Location)
		}

		h.Pass(30 * time.Minute)
		there("session", "ended = 0")
		if p := b.Do("GET", "/profile", nil); p.Status != http.StatusSeeOther {
			t.Errorf("an idle session: %d", p.Status)
		}
		if b.SignIn("BSMITH"); b.Cookie("session") == "" {
			t.Error("the remembered device is forgotten too early")
		}
		for range 24 {
			h.Pass(59 * time.Minute)
			b.Do("GET", "/profile", nil)
		}
		h.Pass(24 * time.Minute)
		if p := b.Do("GET", "/profile", nil); p.Status != http.StatusSeeOther {
			t.Errorf("a session of a day ago that was used all the time: %d", p.Status)
		}

		there("link", "used = 0")
		late := h.Browser("192.0.2.40", Edge)
		func() {
			for _, m := range h.Mail("jjones@demo.example") {
				for word := range strings.FieldsSeq(m.Text) {
					if u, err := url.Parse(word); err == nil && u.Path == "/welcome" {
						late.Get(u.RequestURI())
						late.Post(u.RequestURI(), "link", u.Query().Get("link"), "new_password", Password)
						return
					}
				}
			}
			t.Error("no link was mailed")
		}()
		if p := late.SignIn("JJONES"); p.Status != http.StatusUnprocessableEntity {
			t.Errorf("a link of more than a day ago made a password: %d", p.Status)
		}

		h.Pass(6 * Day)
		there("device", "proved > 0")
		if p := b.SignIn("BSMITH"); p.Path != "/sign-in/token" {
			t.Errorf("a device of more than seven days ago: %s", p.Path)
		}
		if _, err := h.Admin.ResetTwoFactor(t.Context(), h.Visit(), Operator, "BSMITH", "phone lost"); err != nil {
			t.Fatal(err)
		}
		h.Pass(Day)
		there("users", "reset_until > 0")
		if p := h.Browser("192.0.2.50", Chrome).SignIn("BSMITH"); p.Status != http.StatusForbidden {
			t.Errorf("a reset of a day ago: %d %s", p.Status, p.Text())
		}
	})
}
