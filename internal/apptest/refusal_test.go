package apptest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/admin"
)

// AU-01: every page or action of administration that is refused for a missing right writes the
// audit row right.refused, for a user without rights and for one with other rights.
func TestEveryRefusalForARightIsKept(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		refused := map[string]bool{}
		for login, rights := range map[string][]countersign.Right{
			"NOTHING": nil, "RESETTER": {countersign.RightReset}, "PREFERS": {countersign.RightPreferences}, "MAILS": {countersign.RightMessages}, "EDITS": {countersign.RightUsers}} {
			h.User(login, rights...)
			b := h.Browser("192.0.2.10", Chrome)
			b.Enroll(login)
			for _, r := range h.Routes {
				method, path, _ := strings.Cut(r.Pattern, " ")
				if !strings.HasPrefix(path, "/admin") {
					continue
				}
				before := count(h.Events(""), "right.refused refused")
				var sent url.Values
				if method == http.MethodPost {
					sent = form(r, b.Get("/profile").FormToken())
				}
				if p := b.Do(method, place(r, "ADMIN"), sent); p.Status != http.StatusForbidden {
					continue
				}
				refused[r.Pattern] = true
				if n := count(h.Events(""), "right.refused refused") - before; n != 1 {
					t.Errorf("%s for %s: %d rows right.refused", r.Pattern, login, n)
				}
			}
		}
		for _, must := range []string{"GET /admin", "GET /admin/users/new", "GET /admin/users/{id}/edit", "GET /admin/users/{id}/reset-two-factor", "GET /admin/messages"} {
			if !refused[must] {
				t.Errorf("%s was never refused", must)
			}
		}
	})
}

// An error page of administration keeps the navigation of its section, and links to a page of it.
func TestErrorPagesKeepTheirSection(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		for path, c := range map[string]struct{ link, back string }{
			"/admin/messages/00000000000000000000000000000000": {"/admin/messages/test", "Go to Messages"},
			"/admin/messages/wording/nothing":                  {"/admin/messages/test", "Go to Wording"},
			"/admin/messages/test/nothing":                     {"/admin/messages", "Go to Send a test"},
			"/admin/users/NOBODY":                              {"/admin/users", "Go to User Administration"},
			"/admin/system/nothing":                            {"/admin/users", "Go to System Preferences"},
			"/admin/nothing":                                   {"/admin/users", "Go to Administration"},
		} {
			p := b.Get(path)
			if p.Status != http.StatusNotFound || !p.Says(c.back) || !slices.Contains(p.Links(), c.link) {
				t.Errorf("%s: %d %q %s", path, p.Status, p.Links(), p.Text())
			}
		}
	})
}

// A user ID may be an address of an international domain: its links work, and a form keeps it as it
// was typed.
func TestUserIDWithAnInternationalDomain(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		const login = "bob@xn--mnchen-3ya.example"
		h.Administrator()
		h.AddUser(admin.NewUser{Login: login, Name: "Bob", Email: login})
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		p := b.Get("/admin/users")
		link := "/admin/users/" + login
		if !slices.Contains(p.Links(), link) || !p.Says("bob@münchen.example") {
			t.Fatalf("the list: %q", p.Links())
		}
		for _, path := range []string{link, link + "/edit", link + "/reset-two-factor"} {
			if p := b.Get(path); p.Status != http.StatusOK {
				t.Errorf("%s: %d", path, p.Status)
			}
		}
		p = b.Post(link + "/disable")
		if p.Status != http.StatusOK || p.Path != link {
			t.Errorf("disabled: %d %s", p.Status, p.Path)
		}
		c := h.Browser("192.0.2.11", Chrome)
		c.Get("/sign-in")
		if p := c.Post("/sign-in", "user_id", login, "password", "wrong"); p.Value("user_id") != login {
			t.Errorf("the sign-in page keeps %q", p.Value("user_id"))
		}
	})
}

// Every path answers a Host of no agency with 421, styles and script too.
func TestAnotherHostGetsNothing(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		for _, r := range h.Routes {
			method, path, ok := strings.Cut(r.Pattern, " ")
			if !ok || path == "/healthz" || method != http.MethodGet {
				continue
			}
			if path == "/static/" {
				path += "app.css"
			}
			b := h.Browser("192.0.2.10", Chrome)
			b.Host = "evil.example"
			p := b.Do(method, strings.ReplaceAll(strings.ReplaceAll(path, "{$}", ""), "{id}", "X"), nil)
			if p.Status != http.StatusMisdirectedRequest {
				t.Errorf("%s: %d", r.Pattern, p.Status)
			}
		}
	})
}

// A field that is sent twice is refused, whatever its name, so that the sender can't choose which
// of the two counts.
func TestNoFieldComesTwice(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.Get("/sign-in")
		for _, name := range []string{"user_id", "password", "token", "recovery_code", "credential", "enrolment_code", "act", "link", "key", "then", "kept", "agency_name", "anything"} {
			p := b.Do(http.MethodPost, "/sign-in", url.Values{"form_token": {b.Get("/sign-in").FormToken()}, name: {"a", "b"}})
			if p.Status != http.StatusBadRequest {
				t.Errorf("%s twice: %d", name, p.Status)
			}
		}
		b.Enroll("ADMIN")
		b.Get("/admin/users/new")
		form := url.Values{"form_token": {b.Get("/admin/users/new").FormToken()}, "user_id": {"CBILLS"}, "name": {"Carol Bills"}, "email": {"c@demo.example"},
			"right": {string(countersign.RightUsers), string(countersign.RightReset)}}
		if p := b.Do(http.MethodPost, "/admin/users/new", form); p.Status != http.StatusSeeOther {
			t.Errorf("two rights: %d %s", p.Status, p.Text())
		}
	})
}

// A Host that is correct except for its port gets an error that says what a proxy has to pass on.
func TestAHostWithoutItsPortSaysSo(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		for host, says := range map[string]bool{"localhost:9000": true, "evil.example": false} {
			b := h.Browser("192.0.2.10", Chrome)
			b.Host = host
			p := b.Do(http.MethodGet, "/sign-in", nil)
			if p.Status != http.StatusMisdirectedRequest || p.Says("proxy_set_header Host $http_host") != says {
				t.Errorf("%s: %d %s", host, p.Status, p.Text())
			}
		}
	})
}
