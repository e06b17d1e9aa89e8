package apptest

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
)

// handle matches a secret of 256 bits, as cookies carry it.
var handle = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// with returns another browser that has one cookie.
func (b *Browser) with(name, value string) *Browser {
	c := b.House.Browser(b.IP, b.Agent)
	target, _ := url.Parse(publicURL)
	c.jar.SetCookies(target, []*http.Cookie{{Name: name, Value: value}})
	return c
}

// SE-01: the secret of a sign-in changes at the password, at the second factor and at a step-up.
// Each earlier one is invalid at once, a planted one is never adopted, and none is in the database.
func TestSecretsRise(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		const planted = "planted-by-somebody-else-0123456789012345678"
		b := h.Browser("192.0.2.20", Chrome)
		target, _ := url.Parse(publicURL)
		b.jar.SetCookies(target, []*http.Cookie{{Name: "session", Value: planted}, {Name: "attempt", Value: planted}})
		b.SignIn("BSMITH")
		attempts := []string{planted, b.Cookie("attempt")}
		if !handle.MatchString(attempts[1]) || attempts[1] == planted || b.Cookie("session") != planted {
			t.Fatalf("after the password: attempt %q, session %q", attempts[1], b.Cookie("session"))
		}
		wantIn(t, b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
		sessions := []string{planted, b.Cookie("session")}
		h.Pass(10 * time.Minute)
		b.Get("/profile")
		b.Post("/profile/sessions/end-others")
		wantAt(t, b.Confirm("bsmith@demo.example"), 200, "/profile", "All other sessions were ended.")
		sessions = append(sessions, b.Cookie("session"))
		for i, s := range sessions[1:] {
			if !handle.MatchString(s) || slices.Index(sessions, s) != i+1 {
				t.Errorf("session %d is %q", i+1, s)
			}
		}
		for _, old := range sessions[:2] {
			if p := b.with("session", old).Do("GET", "/profile", nil); p.Status != 303 || !strings.HasPrefix(p.Location, "/sign-in") {
				t.Errorf("an earlier session opens: %d %s", p.Status, p.Location)
			}
		}
		for _, old := range attempts {
			if p := b.with("attempt", old).Do("GET", "/sign-in/token", nil); p.Status != 303 {
				t.Errorf("an earlier attempt opens: %d", p.Status)
			}
		}
		wantAt(t, b.with("session", sessions[2]).Get("/profile"), 200, "/profile")
		for table, rows := range dumper(t, h)() {
			for _, secret := range append(sessions, attempts...) {
				if slices.ContainsFunc(rows, func(row string) bool { return strings.Contains(row, secret) }) {
					t.Errorf("%s holds the secret of a cookie", table)
				}
			}
		}
	})
}

// SE-03: idle and absolute limits to the second, as the preferences say, whatever the cookie does.
// The current preference counts.
func TestSessionLimits(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		for _, minutes := range []int{5, 60} {
			h.Set("SESSIONIDLE", fmt.Sprint(minutes))
			idle := time.Duration(minutes) * time.Minute
			b := h.signedIn("BSMITH")
			h.Pass(20 * time.Second)
			wantAt(t, b.Get("/profile"), 200, "/profile")
			h.Pass(idle - time.Second)
			wantAt(t, b.Get("/profile"), 200, "/profile")
			h.Pass(idle)
			wantAt(t, b.Get("/profile"), 200, "/sign-in", fmt.Sprintf("You were away for %d minutes, so you were signed out Sign in and you return to the page you were on: User Profile.", minutes))
		}
		for _, hours := range []int{1, 24} {
			h.Set("SESSIONMAX", fmt.Sprint(hours))
			b := h.signedIn("BSMITH")
			left := time.Duration(hours)*time.Hour - time.Second
			for left > 0 {
				step := min(left, 50*time.Minute)
				h.Pass(step)
				left -= step
				wantAt(t, b.Get("/profile"), 200, "/profile")
			}
			h.Pass(time.Second)
			wantAt(t, b.Get("/profile"), 200, "/sign-in", fmt.Sprintf("A session ends after %s at the latest Sign in and you return to the page you were on: User Profile.", countersign.Count(hours, "hour")))
		}
		b := h.signedIn("BSMITH")
		h.Pass(30 * time.Minute)
		h.Set("SESSIONIDLE", "20") // a shorter limit applies at once
		wantAt(t, b.Get("/profile"), 200, "/sign-in", "You were away for 20 minutes")
	})
}

// signedIn signs a user in, and sets them up first if needed.
func (h *App) signedIn(login string) *Browser {
	h.T.Helper()
	h.Pass(time.Second) // so that the newer of two tokens can be told by its time
	b := h.Browser("192.0.2.10", Chrome)
	switch p := b.SignIn(login); p.Path {
	case "/sign-in/token":
		b.Post("/sign-in/token", "token", h.Token(strings.ToLower(login)+"@demo.example"))
	case "/set-up/email":
		b.Post("/set-up/email", "email", strings.ToLower(login)+"@demo.example")
		b.Post("/set-up/email/token", "token", h.Token(strings.ToLower(login)+"@demo.example"))
		b.Post("/set-up/skip")
	}
	last := b.page
	if p := b.Get("/profile"); p.Path != "/profile" {
		h.T.Fatalf("%s is not in, but after: %d %s %s", login, last.Status, last.Path, last.Text())
	}
	return b
}

// SE-04: whatever ends a session on one node has ended it on every other at once, because no node
// caches sessions.
func TestEndedOnEveryNode(t *testing.T) {
	ends := map[string]func(t *testing.T, h *App, b *Browser){
		"sign-out":         func(_ *testing.T, _ *App, b *Browser) { b.SignOut() },
		"sign-out, forget": func(_ *testing.T, _ *App, b *Browser) { b.Get("/"); b.Post("/sign-out", "forget_device", "yes") },
		"by administrator": func(t *testing.T, h *App, _ *Browser) {
			done(t, h.Admin.EndSessions(t.Context(), h.Visit(), Operator, "BSMITH"))
		},
		"disabled": func(t *testing.T, h *App, _ *Browser) { h.edit(t, "BSMITH", admin.Change{Disabled: new(true)}) },
		"reset": func(t *testing.T, h *App, _ *Browser) {
			_, err := h.Admin.ResetTwoFactor(t.Context(), h.Visit(), Operator, "BSMITH", "a test")
			done(t, err)
		},
		"everybody's": func(t *testing.T, h *App, _ *Browser) {
			_, err := h.Admin.SetPreference(t.Context(), h.Visit(), Operator, admin.PreferenceChange{Code: "2FAFREQUENCY", Value: "3", Version: admin.AnyVersion, EndSessions: true})
			done(t, err)
		},
		"from another one": func(_ *testing.T, h *App, _ *Browser) {
			c := h.signedIn("BSMITH")
			c.Post("/profile/sessions/end-others")
		},
		"reset of one's own": func(_ *testing.T, h *App, _ *Browser) {
			c := h.signedIn("BSMITH")
			c.Get("/profile/reset-two-factor")
			c.Post("/profile/reset-two-factor", "password", Password)
		},
	}
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH", countersign.RightAudit)
		node := h.Node()
		for name, end := range ends {
			h.edit(t, "BSMITH", admin.Change{Disabled: new(false)})
			b := h.signedIn("BSMITH")
			there := b.on(node)
			wantAt(t, there.Get("/profile"), 200, "/profile")
			end(t, h, b)
			if p := there.Do("GET", "/profile", nil); p.Status != 303 || !strings.HasPrefix(p.Location, "/sign-in") {
				t.Errorf("%s: still in on the other node: %d %s", name, p.Status, p.Location)
			}
			h.Pass(2 * time.Hour) // so that the hourly quotas are empty again
			node.Pass(2 * time.Hour)
		}

		h.edit(t, "BSMITH", admin.Change{Disabled: new(false)})
		b := h.signedIn("BSMITH")
		h.edit(t, "BSMITH", admin.Change{AddRights: []countersign.Right{countersign.RightUsers}})
		there := b.on(node)
		if p := there.Do("GET", "/admin/users", nil); p.Status != 200 {
			t.Fatalf("a right that was given is not there: %d", p.Status)
		}
		h.edit(t, "BSMITH", admin.Change{RemoveRights: []countersign.Right{countersign.RightUsers}})
		if p := there.Do("GET", "/admin/users", nil); p.Status != 403 {
			t.Errorf("a right that was taken still opens on the other node: %d", p.Status)
		}
	})
}

// on returns the same browser at another node.
func (b *Browser) on(node *App) *Browser {
	c := b.Copy(b.IP, b.Agent)
	c.House = node
	return c
}

func (h *App) edit(t *testing.T, login string, c admin.Change) {
	t.Helper()
	c.Version = admin.AnyVersion
	_, err := h.Admin.EditUser(t.Context(), h.Visit(), Operator, login, c)
	done(t, err)
}

func done(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// SE-04: users see their sessions and end them one by one or all others. Administrators see those
// of their agency's users and end them.
func TestListAndEndSessions(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Administrator()
		laptop, tablet, phone := h.signedIn("BSMITH"), h.Browser("192.0.2.20", SafariMac), h.Browser("192.0.2.30", ChromeAndroid)
		for _, b := range []*Browser{tablet, phone} {
			h.Pass(time.Minute)
			b.SignIn("BSMITH")
			wantIn(t, b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
		}
		p := laptop.Get("/profile")
		wantAt(t, p, 200, "/profile", "This session", "Safari on macOS", "192.0.2.20", "Chrome on Android", "192.0.2.30")
		first := p.Value("session")
		wantAt(t, laptop.Post("/profile/sessions/end", "session", first), 200, "/profile", "The session was ended.")
		if n := countIn(phone, tablet); n != 1 {
			t.Errorf("%d of two sessions are left", n)
		}
		if p := laptop.Post("/profile/sessions/end", "session", first); p.Status != 404 || !p.Says("That session is not there any more") {
			t.Errorf("ended twice: %d %s", p.Status, p.Text())
		}
		laptop.Get("/profile")
		wantAt(t, laptop.Post("/profile/sessions/end-others"), 200, "/profile", "All other sessions were ended.")
		if n := countIn(phone, tablet, laptop); n != 1 {
			t.Errorf("%d of three sessions are left", n)
		}
		ann := h.Browser("192.0.2.40", Chrome)
		ann.Enroll("ADMIN")
		wantAt(t, ann.Get("/admin/users/BSMITH"), 200, "/admin/users/BSMITH", "Sessions End all 1", "192.0.2.10")
		wantAt(t, ann.Post("/admin/users/BSMITH/sessions/end"), 200, "/admin/users/BSMITH", "All sessions were ended.", "Not signed in.")
		if n := countIn(laptop); n != 0 {
			t.Error("ended by the administrator, and still in")
		}
	})
}

func countIn(all ...*Browser) (n int) {
	for _, b := range all {
		if b.Do("GET", "/profile", nil).Status == 200 {
			n++
		}
	}
	return n
}
