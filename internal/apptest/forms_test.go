package apptest

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"countersign/internal/web"
)

// WB-01: every form of every route is refused and changes nothing without its form token, with
// another session's, from another origin, and from another site. Opening a page changes nothing.
func TestFormsOfOthersChangeNothing(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.EnrollApp("ADMIN", "app")
		other := h.Browser("192.0.2.20", Chrome)
		other.Enroll("BSMITH")
		half := h.Browser("192.0.2.30", Chrome)
		half.Get("/sign-in")
		foreign := map[string]string{"of another session": other.Get("/profile").FormToken(), "of nobody": "AAAAAAAAAAAAAAAAAAAAAAAA", "missing": ""}
		look, forms := dumper(t, h), 0
		for _, r := range h.Routes {
			method, _, _ := strings.Cut(r.Pattern, " ")
			if method != "POST" || strings.HasPrefix(r.Pattern, "POST /receipts/") { // called by machines, authenticated by signature
				continue
			}
			forms++
			who := b
			if r.Kind == web.RouteOpen {
				who = half
			}
			before := look()
			for name, token := range foreign {
				if p := who.Do("POST", place(r, "BSMITH"), form(r, token)); p.Status != http.StatusForbidden {
					t.Errorf("%s, a token %s: %d %s", r.Pattern, name, p.Status, p.Location)
				}
				if p := who.Do("POST", place(r, "BSMITH"), form(r, token), "Origin", "null"); p.Status != http.StatusForbidden {
					t.Errorf("%s, a token %s, Origin null: %d %s", r.Pattern, name, p.Status, p.Location)
				}
			}
			own := who.Get(map[bool]string{true: "/sign-in", false: "/profile"}[r.Kind == web.RouteOpen]).FormToken()
			for _, header := range [][]string{{"Origin", "https://evil.example"}, {"Origin", "null", "Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "http://localhost.evil.example"}} {
				if p := who.Do("POST", place(r, "BSMITH"), form(r, own), header...); p.Status != http.StatusForbidden {
					t.Errorf("%s, %v: %d %s", r.Pattern, header, p.Status, p.Location)
				}
			}
			if changed := before.changes(look(), "session"); len(changed) > 0 {
				t.Errorf("%s changed %v", r.Pattern, changed)
			}
		}
		if forms < 40 {
			t.Errorf("only %d forms were sent", forms)
		}
	})
}

// WB-01: GET and HEAD change nothing, on every route, with a session and without.
func TestOpeningPagesChangesNothing(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		in := h.Browser("192.0.2.10", Chrome)
		in.EnrollApp("ADMIN", "app")
		wizard := h.Browser("192.0.2.20", Chrome)
		wizard.SignIn("BSMITH")
		half := h.Browser("192.0.2.30", Chrome)
		half.SignIn("ADMIN")
		h.Set("PASSKEYSIGNIN", "On")
		look := dumper(t, h, "session.last_seen", "attempt.body") // set-up stores what it shows, such as the key of an app
		before := look()
		for _, r := range h.Routes {
			if method, _, _ := strings.Cut(r.Pattern, " "); method == "POST" {
				continue
			}
			for _, b := range []*Browser{in, wizard, half, h.Browser("192.0.2.40", Chrome)} {
				for _, method := range []string{"GET", "HEAD"} {
					if p := b.Do(method, place(r, "BSMITH"), nil); p.Status >= 500 {
						t.Errorf("%s %s: %d", method, p.Path, p.Status)
					}
				}
			}
			after := look()
			if changed := before.changes(after, "event", "event_head"); len(changed) > 0 { // a refusal writes its audit row
				t.Errorf("opening %s changed %v", r.Pattern, changed)
			}
			before = after
		}
		if strings.Contains(strings.Join(before["message"], ""), "dropped") {
			t.Error("a token was dropped")
		}
	})
}

// The parameters of a list are not trusted: forged cursors, sort keys and filters find nothing that
// they should not, and cause no error.
func TestForgedCursors(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		forged := []string{"'", "' OR 1=1 --", "%27%20UNION%20SELECT%20password", "\\", "%", "_", "AAAA", "%ff", strings.Repeat("A", 3000), "-1", "1e999",
			base64.RawURLEncoding.EncodeToString([]byte("x' OR '1'='1\nname")), base64.RawURLEncoding.EncodeToString([]byte("\n")), base64.RawURLEncoding.EncodeToString([]byte("a\nb\nc")),
			base64.RawURLEncoding.EncodeToString([]byte("\xff\xfe\n\xff")), base64.RawURLEncoding.EncodeToString([]byte("decoy-admin\n"))}
		for _, name := range []string{"after", "before", "sort", "q", "state", "method", "right", "order", "page"} {
			for _, value := range forged {
				p := b.Do("GET", "/admin/users?"+url.Values{name: {value}}.Encode(), nil)
				if p.Status != http.StatusOK || strings.Contains(p.Text(), "argon2") || p.Says("decoy") {
					t.Errorf("%s=%q: %d %s", name, value, p.Status, p.Text())
				}
			}
		}
		verify(t, h)
		if got := h.Events("BSMITH"); !slices.Contains(got, "user.added ok") {
			t.Errorf("the log is %v", got)
		}
	})
}

// WB-01: an older browser sends Origin null, and a gateway removes Sec-Fetch headers. A form with a
// valid token is accepted all the same: the sign-in, the set-up, a change, and the forms that a
// secret link leads to.
func TestFormsOfOlderBrowsersAreTaken(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", SafariMac)
		post := func(path string, fields ...string) *Page {
			t.Helper()
			f := url.Values{"form_token": {b.page.FormToken()}}
			for i := 0; i+1 < len(fields); i += 2 {
				f.Set(fields[i], fields[i+1])
			}
			return b.follow(b.Do("POST", path, f, "Origin", "null"))
		}
		b.Get("/sign-in")
		wantSetUp(t, post("/sign-in", "user_id", "BSMITH", "password", Password))
		post("/set-up/email", "email", "bsmith@demo.example")
		post("/set-up/email/token", "token", h.Token("bsmith@demo.example"))
		wantAt(t, post("/set-up/skip"), 200, "/set-up/done")
		b.Get("/profile")
		wantAt(t, post("/profile/reset-two-factor", "password", "wrong"), 422, "/profile/reset-two-factor", "That is not your password")
		wantAt(t, post("/sign-out"), 200, "/sign-in", "You are signed out")

		b.Get("/password/forgot")
		post("/password/forgot", "user_id", "BSMITH")
		p := b.Get(link(t, h, "bsmith@demo.example", "/password/reset?key="))
		if got := p.Header.Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("the page of a secret link names itself: %s", got)
		}
		wantAt(t, post("/password/reset", "key", p.Value("key"), "new_password", "x"), 422, "/password/reset", "This password has 1 character.")
	})
}
