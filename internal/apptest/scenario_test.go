package apptest

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// wantIn wants the start page of login, signed in.
func wantIn(t *testing.T, p *Page, login string) {
	t.Helper()
	if p.Status != http.StatusOK || p.Path != "/" || !p.Says(login) || !p.Has("form", "action", "/sign-out") {
		t.Fatalf("want %s signed in, got %d %s: %s", login, p.Status, p.Path, p.Text())
	}
}

// wantToken wants the page that asks for a token.
func wantToken(t *testing.T, p *Page) {
	t.Helper()
	if p.Path != "/sign-in/token" || !p.Has("input", "name", "token") {
		t.Fatalf("want a token to be asked, got %d %s: %s", p.Status, p.Path, p.Text())
	}
}

// wantSetUp wants the first page of set-up.
func wantSetUp(t *testing.T, p *Page) {
	t.Helper()
	if p.Path != "/set-up/email" || !p.Says("2 Factor Authentication Setup") {
		t.Fatalf("want set-up, got %d %s: %s", p.Status, p.Path, p.Text())
	}
}

// wantAt wants a page at a path that contains all sentences.
func wantAt(t *testing.T, p *Page, status int, path string, sentences ...string) {
	t.Helper()
	if p.Status != status || p.Path != path || !p.Says(sentences...) {
		t.Fatalf("want %d %s with %q, got %d %s: %s", status, path, sentences, p.Status, p.Path, p.Text())
	}
}

// Scenario 1 (M8): BSMITH sets up on a laptop at work on Internet Explorer, and always uses the
// same browser, laptop and address: no token for seven days. The seven days begin with set-up.
func TestScenario1BSMITH(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		work := h.Browser("192.0.2.10", Explorer)
		wantAt(t, work.Enroll("BSMITH"), 200, "/set-up/done")
		for day := 1; day < 7; day++ {
			work.SignOut()
			h.Pass(Day)
			wantIn(t, work.SignIn("bsmith"), "BSMITH")
		}
		work.SignOut()
		h.Pass(Day - time.Millisecond) // exact to the millisecond
		wantIn(t, work.SignIn("BSMITH"), "BSMITH")
		work.SignOut()
		h.Pass(time.Millisecond)
		asked := work.SignIn("BSMITH")
		wantToken(t, asked)
		if !asked.Says("7 days are over on this device.") {
			t.Errorf("the page does not say why: %s", asked.Text())
		}
		wantIn(t, work.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
	})
}

// Scenario 2 (M9): CBILLS sets up on a laptop with Chrome, then uses a tablet, also with Chrome,
// from the same address: a token is required.
func TestScenario2CBILLS(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("CBILLS")
		laptop := h.Browser("192.0.2.10", Chrome)
		laptop.Enroll("CBILLS")
		h.Pass(time.Hour)
		tablet := h.Browser("192.0.2.10", ChromeAndroid)
		asked := tablet.SignIn("CBILLS")
		wantToken(t, asked)
		if !asked.Says("This device was not seen before with your user ID.") {
			t.Errorf("the page does not say why: %s", asked.Text())
		}
		wantIn(t, tablet.Post("/sign-in/token", "token", h.Token("cbills@demo.example")), "CBILLS")
		laptop.SignOut()
		wantIn(t, laptop.SignIn("CBILLS"), "CBILLS")
	})
}

// Scenario 3 (M10): JJONES sets up on a laptop from the home's address, and the next morning uses
// it at the office: a token is required. Home and office are two connections, each with its own
// time. Back at home no token is required.
func TestScenario3JJONES(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("JJONES")
		laptop := h.Browser("198.51.100.20", Chrome)
		laptop.Enroll("JJONES")
		laptop.SignOut()
		h.Pass(14 * time.Hour)
		laptop.IP = "192.0.2.10"
		asked := laptop.SignIn("JJONES")
		wantToken(t, asked)
		if !asked.Says("Your network changed: last time 198.51.100.20, now 192.0.2.10.") {
			t.Errorf("the page does not say why: %s", asked.Text())
		}
		wantIn(t, laptop.Post("/sign-in/token", "token", h.Token("jjones@demo.example")), "JJONES")
		laptop.SignOut()
		laptop.IP = "198.51.100.20"
		wantIn(t, laptop.SignIn("JJONES"), "JJONES")
	})
}

// The combination (M11, DV-02): an equal laptop of a coworker behind the same address is another
// device; a newer version of the browser is not.
func TestWhatIsADevice(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("CBILLS")
		laptop := h.Browser("192.0.2.10", Chrome)
		laptop.Enroll("BSMITH")
		laptop.SignOut()

		laptop.Agent = ChromeNewer
		wantIn(t, laptop.SignIn("BSMITH"), "BSMITH")
		laptop.SignOut()

		equal := h.Browser("192.0.2.10", Chrome)
		wantToken(t, equal.SignIn("BSMITH"))

		other := laptop.Copy("192.0.2.10", SafariMac) // a stolen cookie in another browser and system
		wantToken(t, other.SignIn("BSMITH"))

		wantSetUp(t, laptop.SignIn("CBILLS")) // each user of a shared computer is trusted separately
	})
}

// FAQ (M28): 0 asks at every sign-in on every device.
func TestFAQFrequencyZero(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Set("2FAFREQUENCY", "0")
		h.User("BSMITH")
		work := h.Browser("192.0.2.10", Chrome)
		work.Enroll("BSMITH")
		for range 3 {
			work.SignOut()
			h.Pass(time.Minute)
			asked := work.SignIn("BSMITH")
			wantToken(t, asked)
			if !asked.Says("Demo Agency asks for a token at every sign-in.") {
				t.Errorf("the page does not say why: %s", asked.Text())
			}
			wantIn(t, work.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
		}
	})
}

// An empty frequency means 30 (M5). A lower or higher one applies at once (M7), and what was
// forgotten stays forgotten.
func TestFrequencyChanges(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Set("2FAFREQUENCY", "")
		h.User("BSMITH")
		work := h.Browser("192.0.2.10", Chrome)
		work.Enroll("BSMITH")
		h.Pass(29 * Day)
		work.SignOut()
		wantIn(t, work.SignIn("BSMITH"), "BSMITH")

		h.Set("2FAFREQUENCY", "7")
		work.SignOut()
		wantToken(t, work.SignIn("BSMITH"))
		h.Set("2FAFREQUENCY", "30")
		wantIn(t, work.SignIn("BSMITH"), "BSMITH")

		h.Pass(Day)
		work.SignOut()
		wantToken(t, work.SignIn("BSMITH"))
		wantIn(t, work.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
		h.Set("2FAFREQUENCY", "0")
		h.Set("2FAFREQUENCY", "30")
		work.SignOut()
		wantToken(t, work.SignIn("BSMITH"))
	})
}

// A clock that is set back can end trust, but never extend it.
func TestClockSetBack(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		work := h.Browser("192.0.2.10", Chrome)
		work.Enroll("BSMITH")
		work.SignOut()
		h.Pass(-2 * time.Hour)
		wantToken(t, work.SignIn("BSMITH"))
	})
}

// 2FA Off requires no token and keeps what was set up. On again requires one of every user, by
// their old Default (M4).
func TestOffThenOn(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("CBILLS")
		work := h.Browser("192.0.2.10", Chrome)
		work.Enroll("BSMITH")
		work.SignOut()
		h.Set("2FA", "Off")
		wantIn(t, work.SignIn("BSMITH"), "BSMITH")
		other := h.Browser("192.0.2.11", Chrome)
		wantIn(t, other.SignIn("CBILLS"), "CBILLS") // never set up, and not asked to
		h.Set("2FA", "On")
		wantAt(t, other.Get("/profile"), 200, "/profile") // current sessions continue
		work.SignOut()
		wantToken(t, work.SignIn("BSMITH"))
		other.SignOut()
		wantSetUp(t, other.SignIn("CBILLS"))
	})
}

// FAQ (M29): one, two or all three methods, in each combination.
func TestFAQCombinationsOfMethods(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		combinations := map[string]struct{ app, sms bool }{
			"EMAIL": {false, false}, "EMAILAPP": {true, false}, "EMAILSMS": {false, true}, "ALLTHREE": {true, true},
		}
		for login, c := range combinations {
			h.User(login)
			b := h.Browser("192.0.2.10", Chrome)
			to := strings.ToLower(login) + "@demo.example"
			b.SignIn(login)
			b.Post("/set-up/email", "email", to)
			p := b.Post("/set-up/email/token", "token", h.Token(to))
			wantAt(t, p, 200, "/set-up", "Two Factor Authentication set up is now complete for the Email method.", "two additional methods")
			standard := "email"
			if c.app {
				key := b.Get("/set-up/app").Key()
				p = b.Post("/set-up/app", "token", h.AppToken(key))
				wantAt(t, p, 200, "/set-up", "Two Factor Authentication set up is now complete for the app method.", "one additional method (SMS)")
				standard = "app"
			}
			if c.sms {
				b.Get("/set-up/sms")
				b.Post("/set-up/sms", "phone", "6145550112")
				p = b.Post("/set-up/sms/token", "token", h.Token("+16145550112"))
				standard = "sms"
			}
			if !c.app || !c.sms {
				p = b.Post("/set-up/skip")
			}
			if c.app || c.sms {
				wantAt(t, p, 200, "/set-up/default", "Default")
				if !p.Has("input", "value", "email") || p.Has("input", "value", "sms") != c.sms || p.Has("input", "value", "app") != c.app {
					t.Errorf("%s: the Default page offers something else than what was set up", login)
				}
				p = b.Post("/set-up/default", "default", standard)
			}
			wantAt(t, p, 200, "/set-up/done", "Two factor authentication set-up is complete.")
			again := h.Browser("192.0.2.99", Chrome)
			h.Pass(time.Minute)
			asked := again.SignIn(login)
			wantToken(t, asked)
			if c.sms != asked.Says("the number ending 12") {
				t.Errorf("%s: the Default does not decide: %s", login, asked.Text())
			}
		}
	})
}

// FAQ (M30): after three failed tokens the user must log in again. A new token does not reset the
// count, and the correct one, sent later, fails.
func TestFAQThreeFailures(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		b := h.Browser("192.0.2.20", Chrome)
		b.SignIn("BSMITH")
		right := h.Token("bsmith@demo.example")
		wrong := otherThan(right)
		wantAt(t, b.Post("/sign-in/token", "token", "12345"), 422, "/sign-in/token", "A token has six digits", "did not count as a try")
		wantAt(t, b.Post("/sign-in/token", "token", wrong), 422, "/sign-in/token", "That token is not right.", "You have 2 tries left.")
		h.Pass(31 * time.Second)
		wantAt(t, b.Post("/sign-in/token/new"), 200, "/sign-in/token", "A new token was sent.")
		wantAt(t, b.Post("/sign-in/token", "token", right), 422, "/sign-in/token", "That's an older token.", "This wasn't counted as an attempt.")
		right = h.Token("bsmith@demo.example")
		wantAt(t, b.Post("/sign-in/token", "token", otherThan(right)), 422, "/sign-in/token", "1 try left")
		over := b.Post("/sign-in/token", "token", otherThan(right))
		wantAt(t, over, 200, "/sign-in", "After three failed attempts you need to log in again")
		over = b.Post("/sign-in/token", "token", right)
		if over.Path != "/sign-in" || b.Cookie("session") != "" {
			t.Fatalf("the right token, sent later, led to %d %s", over.Status, over.Path)
		}
	})
}

func otherThan(token string) string {
	if token[0] == '9' {
		return "0" + token[1:]
	}
	return string(token[0]+1) + token[1:]
}

// FAQ (M31): a sign-in from a new connection is reported by mail with the details, once for each
// connection.
func TestFAQNewConnectionMail(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		work := h.Browser("192.0.2.10", Chrome)
		work.Enroll("BSMITH")
		count := func() (n int, newest string) {
			for _, m := range h.Mail("bsmith@demo.example") {
				if strings.Contains(m.Text, "from a new connection") {
					if n++; n == 1 {
						newest = m.Text
					}
				}
			}
			return n, newest
		}
		if n, _ := count(); n != 1 {
			t.Fatalf("%d letters after enrolling, want 1", n)
		}
		work.SignOut()
		work.SignIn("BSMITH")
		if n, _ := count(); n != 1 {
			t.Fatalf("%d letters after a second sign-in from the same connection, want 1", n)
		}
		tablet := h.Browser("198.51.100.61", ChromeAndroid)
		tablet.SignIn("BSMITH")
		if n, _ := count(); n != 1 {
			t.Fatalf("a letter before the sign-in was completed")
		}
		tablet.Post("/sign-in/token", "token", h.Token("bsmith@demo.example"))
		n, letter := count()
		if n != 2 {
			t.Fatalf("%d letters after a new connection, want 2", n)
		}
		for _, detail := range []string{"there was a sign on to Agency Integrator from a new connection", "198.51.100.61", "Chrome", "Android"} {
			if !strings.Contains(letter, detail) {
				t.Errorf("the letter does not say %q:\n%s", detail, letter)
			}
		}
	})
}

// M32: a token is accepted for 120 s after it was made, never later, once only, and only in the
// sign-in it was sent for (OT-02, OT-03, OT-04).
func TestTokenLife(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		b := h.Browser("192.0.2.20", Chrome)
		b.SignIn("BSMITH")
		token := h.Token("bsmith@demo.example")

		elsewhere := h.Browser("192.0.2.30", Chrome)
		elsewhere.SignIn("BSMITH")
		if other := h.Token("bsmith@demo.example"); other != token {
			wantAt(t, elsewhere.Post("/sign-in/token", "token", token), 422, "/sign-in/token", "That token is not right.")
		}
		h.Pass(2*time.Minute - time.Millisecond)
		wantIn(t, b.Post("/sign-in/token", "token", token), "BSMITH")

		late := h.Browser("192.0.2.40", Chrome)
		late.SignIn("BSMITH")
		token = h.Token("bsmith@demo.example")
		h.Pass(2 * time.Minute)
		wantAt(t, late.Post("/sign-in/token", "token", token), 422, "/sign-in/token", "Your token has expired", "This wasn't counted as an attempt.")
	})
}

// M33: a new token ends the earlier one. A refused token is explained. Opening or reloading a page
// sends nothing.
func TestNewToken(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		h.Pass(2 * time.Hour)
		b := h.Browser("192.0.2.20", Chrome)
		b.SignIn("BSMITH")
		sent := len(h.Mail("bsmith@demo.example"))
		for range 20 {
			b.Get("/sign-in/token")
		}
		if n := len(h.Mail("bsmith@demo.example")); n != sent {
			t.Fatalf("reloading sent %d messages", n-sent)
		}
		wantAt(t, b.Post("/sign-in/token/new"), 429, "/sign-in/token/new", "No new token was sent", "still works")
		for range 4 {
			h.Pass(31 * time.Second)
			wantAt(t, b.Post("/sign-in/token/new"), 200, "/sign-in/token", "A new token was sent.")
		}
		h.Pass(31 * time.Second)
		wantAt(t, b.Post("/sign-in/token/new"), 429, "/sign-in/token/new", "No more tokens can be sent in this sign-in.")
		wantIn(t, b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
	})
}

// M22: a user who has trouble with the app finds the email fallback on the token page. Only the
// agency's preference hides it.
func TestEmailFallback(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).EnrollApp("BSMITH", "app")
		b := h.Browser("192.0.2.20", Chrome)
		wantAt(t, b.SignIn("BSMITH"), 200, "/sign-in/token", "authenticator app")
		wantAt(t, b.Get("/sign-in/other-way"), 200, "/sign-in/other-way", "Email")
		wantAt(t, b.Post("/sign-in/other-way", "method", "email"), 200, "/sign-in/token", "A six-digit token is on its way to")
		wantIn(t, b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")

		h.Set("2FAEMAILFALLBACK", "Off")
		b = h.Browser("192.0.2.30", Chrome)
		b.SignIn("BSMITH")
		if p := b.Get("/sign-in/other-way"); p.Has("input", "value", "email") || p.Has("button", "value", "email") {
			t.Error("the fallback is offered although it is Off")
		}
		if p := b.Post("/sign-in/other-way", "method", "email"); p.Status != 422 {
			t.Errorf("the fallback, asked for by hand, answered %d", p.Status)
		}
	})
}

// M12: the sign-in page says at its bottom that two-factor authentication is on.
func TestSignInPageSaysOn(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		b := h.Browser("192.0.2.10", Chrome)
		wantAt(t, b.Get("/sign-in"), 200, "/sign-in", "Two factor authentication is on", "If you have not set it up yet, set-up follows")
		h.Set("2FA", "Off")
		if b.Get("/sign-in").Says("Two factor authentication is on") {
			t.Error("the notice stands although it is Off")
		}
	})
}
