package apptest

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/store"
)

var notMeLink = regexp.MustCompile(`http://localhost(/not-me\?link=([A-Za-z0-9_-]{43}))`)

// newest returns the path and handle of the newest link «This was not me» to an address.
func newest(h *App, to string) (path, handle string) {
	h.T.Helper()
	for _, m := range h.Mail(to) {
		if link := notMeLink.FindStringSubmatch(m.Text); link != nil {
			if !strings.Contains(m.HTML, link[0]) || !strings.Contains(m.HTML, "This was not me") {
				h.T.Errorf("the HTML part has another link: %s", m.HTML)
			}
			return link[1], link[2]
		}
	}
	h.T.Fatalf("no link went to %s", to)
	return "", ""
}

// DV-08: the mailed link shows that sign-in, to anyone without a session, and changes nothing. Its
// button works once, ends that session and what was begun from it, forgets that device, notifies
// the administrators, and does not sign in. Other sessions and devices stay.
func TestThisWasNotMe(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		mine := h.Browser("192.0.2.10", Chrome)
		mine.Enroll("BSMITH")
		h.Pass(time.Minute)
		thief := h.Browser("203.0.113.66", SafariMac)
		thief.SignIn("BSMITH")
		thief.Post("/sign-in/token", "token", h.Token("bsmith@demo.example"))
		path, handle := newest(h, "bsmith@demo.example")
		h.Pass(6 * time.Minute)
		thief.Get("/profile")
		thief.Post("/profile/setup-two-factor")
		wantAt(t, thief.Confirm("bsmith@demo.example"), 200, "/set-up") // its session has a new handle, and a set-up is in progress

		reader := h.Browser("198.51.100.7", Edge)
		for range 3 {
			wantAt(t, reader.Get(path), 200, "/not-me", "Was this you?", "BSMITH", "203.0.113.66", "Safari", "macOS", "with an emailed token", "Session open")
		}
		if p := thief.Get("/profile"); p.Path != "/profile" {
			t.Fatalf("opening the link ended the session: %s", p.Path)
		}
		wantAt(t, reader.Post("/not-me", "link", handle), 200, "/not-me", "That session was ended, and its device forgotten.", "change your password")
		if reader.Cookie("session") != "" || reader.Get("/profile").Path != "/sign-in" {
			t.Error("the link signed a user in")
		}
		if p := thief.Do("GET", "/profile", nil); p.Status != http.StatusSeeOther {
			t.Errorf("the session lives on: %d", p.Status)
		}
		if p := thief.Get("/set-up/app"); p.Path != "/sign-in" {
			t.Errorf("its wizard lives on at %s", p.Path)
		}
		wantToken(t, thief.SignIn("BSMITH")) // the device is forgotten
		wantAt(t, mine.Get("/profile"), 200, "/profile", "A sign-in was disowned")
		mine.SignOut()
		wantIn(t, mine.SignIn("BSMITH"), "BSMITH")

		for _, p := range []*Page{reader.Get(path), reader.Get("/not-me?link=x"), reader.Get("/not-me?link=" + handle + "&link=x")} {
			wantAt(t, p, http.StatusGone, "/not-me", "This link no longer works")
		}
		reader.Get("/sign-in")
		wantAt(t, reader.Post("/not-me", "link", handle), http.StatusGone, "/not-me", "Nothing was changed.")
		told := letterWith(h, "admin@demo.example", "BSMITH says of a sign-in: this was not me")
		if !strings.Contains(told, "Safari on macOS, 203.0.113.66") {
			t.Errorf("the administrators are told: %s", told)
		}
		if !slices.Contains(h.Events("BSMITH"), "session.disowned ok") {
			t.Errorf("no audit row: %v", h.Events("BSMITH"))
		}
	})
}

// The link expires after seven days, is useless at another page or in another agency, needs its own
// form, and is nowhere in the database.
func TestThisWasNotMeBounds(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		path, handle := newest(h, "bsmith@demo.example")
		reader := h.Browser("198.51.100.7", Edge)
		wantAt(t, reader.Get("/welcome?link="+handle), http.StatusGone, "/welcome", "This link no longer works")
		reader.Get("/sign-in")
		wantAt(t, reader.Post("/welcome", "link", handle, "new_password", "a much longer horse battery"), http.StatusGone, "/welcome", "This link no longer works")
		if p := reader.Do("POST", "/not-me", map[string][]string{"link": {handle}}); p.Status != http.StatusForbidden {
			t.Errorf("without a form: %d", p.Status)
		}
		if _, err := h.Admin.AddAgency(t.Context(), h.Now(), countersign.Agency{Code: "ACME", Name: "Acme", Hosts: []string{"login.acme.example"}}); err != nil {
			t.Fatal(err)
		}
		abroad := h.Browser("198.51.100.8", Edge)
		abroad.Host = "login.acme.example"
		wantAt(t, abroad.Get(path), http.StatusGone, "/not-me", "This link no longer works")
		err := h.DB.Read(t.Context(), h.Agency.ID, func(tx *store.Tx) error {
			_, err := tx.Link(t.Context(), handle)
			if countersign.KindOf(err) != countersign.KindNotFound {
				t.Errorf("the handle itself stands in the database: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		h.Pass(7*Day - time.Millisecond)
		wantAt(t, reader.Get(path), 200, "/not-me", "Was this you?")
		h.Pass(time.Millisecond)
		wantAt(t, reader.Get(path), http.StatusGone, "/not-me", "7 days are over")
		wantAt(t, reader.Post("/not-me", "link", handle), http.StatusForbidden, "/not-me") // the error page has no form
	})
}

// Of two who press the button at once, one ends the session; the other is told that the link no
// longer works.
func TestThisWasNotMeOnce(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		path, handle := newest(h, "bsmith@demo.example")
		reader := h.Browser("198.51.100.7", Edge)
		reader.Get(path)
		done := 0
		for _, p := range together(reader, []*App{h, h.Node()}, 20, "/not-me", func(int) []string { return []string{"link", handle} }) {
			switch p.Status {
			case http.StatusSeeOther:
				done++
			case http.StatusGone:
			default:
				t.Errorf("answered %d: %s", p.Status, p.Text())
			}
		}
		rows := 0
		for _, line := range h.Events("BSMITH") {
			if line == "session.disowned ok" {
				rows++
			}
		}
		if done != 1 || rows != 1 {
			t.Errorf("%d succeeded with %d audit rows, want 1 and 1", done, rows)
		}
	})
}

// One mail for each completed sign-in from a connection not seen in 180 days, whether or not a
// token was required. The key is browser cookie, browser, system and network.
func TestNewConnectionRules(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Set("2FANETWORK", "Any")
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		letters := 1
		check := func(what string, more int) {
			t.Helper()
			letters += more
			n := 0
			for _, s := range h.Subjects("bsmith@demo.example") {
				if s == signOn || s == setUpLetter { // the set-up mail reports the connection of the enrolling sign-in
					n++
				}
			}
			if n != letters {
				t.Fatalf("%s: %d letters, want %d", what, n, letters)
			}
		}
		check("enrolling", 0)
		again := func() {
			t.Helper()
			b.SignOut()
			if p := b.SignIn("BSMITH"); p.Path == "/sign-in/token" {
				wantIn(t, b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
			}
		}
		again()
		check("the same connection", 0)
		b.IP = "198.51.100.20" // a remembered network, but another connection
		b.SignOut()
		wantIn(t, b.SignIn("BSMITH"), "BSMITH")
		check("another network, without a token", 1)
		b.Agent = ChromeNewer
		again()
		check("a newer version", 0)
		b.SignOut()
		h.Pass(180*Day - time.Millisecond)
		again()
		check("180 days but a millisecond later", 0)
		b.SignOut()
		h.Pass(180 * Day)
		again()
		check("180 days later", 1)
		b.SignOut()
		b.SignIn("BSMITH")
		b.Forget()
		check("an unfinished sign-in", 0)
		b.SignIn("BSMITH")
		wantIn(t, b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
		check("the cookie is gone", 1)
	})
}
