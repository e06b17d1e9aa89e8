package apptest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A browser that blocks cookies is told so, not that its page was open too long. The user ID need
// not be typed again.
func TestBlockedCookiesAreNamed(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Get("/sign-in")
		b.Forget()
		p := b.Post("/sign-in", "user_id", "BSMITH", "password", Password)
		wantAt(t, p, http.StatusForbidden, "/sign-in", "Your browser sent no cookies", "Allow cookies for this site")
		if p.Value("user_id") != "BSMITH" {
			t.Errorf("the user ID is gone: %q", p.Value("user_id"))
		}
		wantAt(t, b.Post("/sign-in", "user_id", "BSMITH", "password", Password), 200, "/set-up/email") // the answer came with one
		b = h.Browser("192.0.2.10", Chrome)
		b.Get("/password/forgot")
		b.Forget()
		wantAt(t, b.Post("/password/forgot", "user_id", "BSMITH"), http.StatusForbidden, "/password/forgot", "Your browser sent no cookies")
		b = h.Browser("192.0.2.10", Chrome)
		b.Get("/sign-in")
		b.Drop("attempt")
		b.Give("theme", "dark")
		wantAt(t, b.Post("/sign-in", "user_id", "BSMITH", "password", Password), http.StatusForbidden, "/sign-in", "Please type your password again")
	})
}

// Another program on the same host may set cookies of the same names, before ours: no user is
// signed out, no sign-in breaks, and no device is forgotten.
func TestTwoCookiesOfOneName(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		alike := strings.Repeat("A", 43)
		for _, foreign := range []string{"session=x.y.z; attempt=1; device=iPhone", "session=" + alike + "; attempt=" + alike + "; device=0123456789abcdef." + alike} {
			if p := b.Do("GET", "/profile", nil, "Cookie", foreign); p.Status != 200 {
				t.Errorf("%s signs out: %d", foreign, p.Status)
			}
			b.Get("/")
			if p := b.Do("POST", "/sign-out", url.Values{"form_token": {b.page.FormToken()}}, "Cookie", foreign); p.Status != http.StatusSeeOther {
				t.Errorf("%s: the form is refused: %d", foreign, p.Status)
			}
			if p := b.Get("/profile"); p.Path != "/sign-in" {
				t.Errorf("%s: not signed out: %s", foreign, p.Path)
			}
			page := b.Do("GET", "/sign-in", nil) // before the other program has set its own
			p := b.Do("POST", "/sign-in", url.Values{"form_token": {page.FormToken()}, "user_id": {"BSMITH"}, "password": {Password}}, "Cookie", foreign)
			if p.Status != http.StatusSeeOther || p.Location != "/" {
				t.Errorf("%s: the device is not known, or the sign-in broke: %d %s", foreign, p.Status, p.Location)
			}
		}
		b.SignOut()
		h.Pass(8 * Day)
		wantToken(t, b.SignIn("BSMITH"))
		if p := b.Do("GET", "/sign-in/token", nil, "Cookie", "attempt="+alike); p.Status != 200 {
			t.Errorf("the sign-in is not found: %d %s", p.Status, p.Location)
		}
	})
}
