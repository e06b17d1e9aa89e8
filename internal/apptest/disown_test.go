package apptest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
)

// phish signs BSMITH in from a thief's browser with one token obtained from the user.
func phish(t *testing.T, h *App) *Browser {
	t.Helper()
	thief := h.Browser("203.0.113.66", SafariMac)
	thief.SignIn("BSMITH")
	wantIn(t, thief.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
	return thief
}

// reportSignIn presses the button behind the newest link.
func reportSignIn(t *testing.T, h *App, path, handle string) {
	t.Helper()
	reader := h.Browser("198.51.100.7", Edge)
	wantAt(t, reader.Get(path), 200, "/not-me", "Was this you?")
	wantAt(t, reader.Post("/not-me", "link", handle), 200, "/not-me", "That session was ended")
}

// addApp sets up the app from the profile of a session with a recent proof, and returns its key.
func addApp(t *testing.T, h *App, b *Browser) string {
	t.Helper()
	b.Get("/profile")
	b.Post("/profile/setup-two-factor")
	page := b.Get("/set-up/app")
	key := page.Key()
	wantAt(t, b.Post("/set-up/app", "token", h.AppToken(key)), 200, "/set-up")
	b.Get("/set-up")
	b.Post("/set-up/skip")
	b.Post("/set-up/default", "default", "app")
	return key
}

// DV-08: a thief who moves to another address within the session, and has set up their own app, has
// nothing left once the sign-in is reported.
func TestDisownedBrowserIsForgottenAtEveryAddress(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		mine := h.Browser("192.0.2.10", Chrome)
		mine.Enroll("BSMITH")
		mine.SignOut()
		h.Pass(time.Minute)
		thief := phish(t, h)
		path, handle := newest(h, "bsmith@demo.example")
		key := addApp(t, h, thief)
		for _, ip := range []string{"203.0.113.67", "203.0.113.68"} {
			thief.IP = ip
			h.Pass(6 * time.Minute)
			thief.Get("/profile")
			thief.Post("/profile/setup-two-factor")
			wantAt(t, thief.Post("/step-up", "token", h.AppToken(key)), 200, "/set-up")
			thief.SignOut()
			wantIn(t, thief.SignIn("BSMITH"), "BSMITH") // remembered there
		}
		second := h.Browser("203.0.113.90", Edge) // another browser, signed in with the thief's own app
		second.SignIn("BSMITH")
		h.Pass(time.Minute)
		wantIn(t, second.Post("/sign-in/token", "token", h.AppToken(key)), "BSMITH")

		reportSignIn(t, h, path, handle)
		for _, b := range []*Browser{thief, second} {
			if p := b.Do("GET", "/profile", nil); p.Status != http.StatusSeeOther {
				t.Errorf("the session at %s lives on: %d", b.IP, p.Status)
			}
		}
		for _, ip := range []string{"203.0.113.66", "203.0.113.67", "203.0.113.68"} {
			thief.IP = ip
			wantToken(t, thief.SignIn("BSMITH"))
			if p := thief.Post("/sign-in/other-way", "method", "app"); p.Status != http.StatusUnprocessableEntity {
				t.Errorf("the thief's app is still offered at %s: %d", ip, p.Status)
			}
		}
		wantToken(t, second.SignIn("BSMITH"))
		letterWith(h, "bsmith@demo.example", "removed")
		if !slices.Contains(h.Events("BSMITH"), "method.removed ok") {
			t.Errorf("no audit row: %v", h.Events("BSMITH"))
		}
		wantToken(t, mine.SignIn("BSMITH"))
		wantIn(t, mine.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
	})
}

// DV-08: what was set up in a second browser is removed too, if that one signed in with a recovery
// code of the reported session. What the user set up in their own browser stays.
func TestDisowningReachesABrowserOpenedByIt(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		mine := h.Browser("192.0.2.10", Chrome)
		mine.Enroll("BSMITH")
		mine.SignOut()
		h.Pass(time.Minute)
		thief := phish(t, h)
		path, handle := newest(h, "bsmith@demo.example")
		code := recoveryCodes(thief)[0]
		h.Pass(time.Minute)
		second := toRecovery(h, "203.0.113.90", "BSMITH")
		wantIn(t, second.Post("/sign-in/token", "recovery_code", code), "BSMITH")
		addApp(t, h, second)

		reportSignIn(t, h, path, handle)
		wantToken(t, mine.SignIn("BSMITH"))
		if p := mine.Post("/sign-in/other-way", "method", "app"); p.Status != http.StatusUnprocessableEntity {
			t.Errorf("the app of the second browser is still offered: %d %s", p.Status, p.Text())
		}
	})
}

// DV-08: a session begun at one address and forgotten at another leaves nothing at the first.
func TestSignOutAndForgetForgetsTheBrowser(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		b.IP = "192.0.2.11"
		h.Pass(6 * time.Minute)
		b.Get("/profile")
		b.Post("/profile/setup-two-factor")
		wantAt(t, b.Confirm("bsmith@demo.example"), 200, "/set-up") // remembered at the second address too
		b.Get("/")
		b.Post("/sign-out", "forget_device", "yes")
		for _, ip := range []string{"192.0.2.10", "192.0.2.11"} {
			b.IP = ip
			wantToken(t, b.SignIn("BSMITH"))
		}
	})
}

// DV-08: the button works on a session that has ended by itself.
func TestSignOutAndForgetAfterTheSessionIsOver(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		b.Get("/")
		h.Pass(2 * time.Hour)
		b.Post("/sign-out", "forget_device", "yes")
		wantToken(t, b.SignIn("BSMITH"))
	})
}

// DV-08: a user who declined to be remembered is not remembered by a step-up at another address.
func TestDeclineHoldsForTheBrowser(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		b.SignOut()
		h.Pass(8 * Day)
		b.SignIn("BSMITH")
		wantIn(t, b.Post("/sign-in/token", "forget_device", "yes", "token", h.Token("bsmith@demo.example")), "BSMITH")
		b.IP = "192.0.2.11"
		h.Pass(6 * time.Minute)
		b.Get("/profile")
		b.Post("/profile/setup-two-factor")
		wantAt(t, b.Confirm("bsmith@demo.example"), 200, "/set-up")
		b.SignOut()
		wantToken(t, b.SignIn("BSMITH"))
		// Declining also forgets the address where the device was remembered before.
		wantIn(t, b.Post("/sign-in/token", "forget_device", "no", "token", h.Token("bsmith@demo.example")), "BSMITH")
		b.SignOut()
		wantIn(t, b.SignIn("BSMITH"), "BSMITH")
		b.SignOut()
		b.IP = "192.0.2.12"
		b.SignIn("BSMITH")
		wantIn(t, b.Post("/sign-in/token", "forget_device", "yes", "token", h.Token("bsmith@demo.example")), "BSMITH")
		b.SignOut()
		b.IP = "192.0.2.11"
		wantToken(t, b.SignIn("BSMITH"))
	})
}

// DV-08: a session earns trust only for the browser that it began in, so that forgetting that
// browser leaves nothing.
func TestStepUpWithoutTheDeviceCookieIsNotRemembered(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		h.Pass(time.Minute)
		thief := phish(t, h)
		path, handle := newest(h, "bsmith@demo.example")
		thief.Drop("device")
		h.Pass(6 * time.Minute)
		thief.Get("/profile")
		thief.Post("/profile/setup-two-factor")
		wantAt(t, thief.Confirm("bsmith@demo.example"), 200, "/set-up")
		reportSignIn(t, h, path, handle)
		wantToken(t, thief.SignIn("BSMITH"))
	})
}

// DV-08: forgetting a device from the profile or the user's page forgets its browser and ends its
// sessions.
func TestForgettingADeviceForgetsTheBrowser(t *testing.T) {
	for name, forget := range map[string]func(h *App, mine *Browser, device string){
		"profile": func(h *App, mine *Browser, device string) {
			mine.Get("/profile")
			mine.Post("/profile/devices/forget", "device", device)
			mine.Confirm("bsmith@demo.example")
		},
		"profile, all": func(h *App, mine *Browser, _ string) {
			mine.Get("/profile")
			mine.Post("/profile/devices/forget")
			mine.Confirm("bsmith@demo.example")
		},
		"administrator": func(h *App, _ *Browser, device string) {
			a := h.Browser("192.0.2.99", Chrome)
			a.Enroll("ADMIN")
			a.Get("/admin/users/BSMITH")
			wantAt(h.T.(*testing.T), a.Post("/admin/users/BSMITH/devices/forget", "device", device), 200, "/admin/users/BSMITH", "The device was forgotten.")
		},
		"administrator, all": func(h *App, _ *Browser, _ string) {
			a := h.Browser("192.0.2.99", Chrome)
			a.Enroll("ADMIN")
			a.Get("/admin/users/BSMITH")
			a.Post("/admin/users/BSMITH/devices/forget-all")
		},
	} {
		t.Run(name, func(t *testing.T) {
			Each(t, func(t *testing.T, h *App) {
				h.T = t
				h.Administrator()
				h.User("BSMITH")
				mine := h.Browser("192.0.2.10", Chrome)
				mine.Enroll("BSMITH")
				h.Pass(time.Minute)
				thief := phish(t, h)
				thief.IP = "203.0.113.67"
				h.Pass(6 * time.Minute)
				thief.Get("/profile")
				thief.Post("/profile/setup-two-factor")
				wantAt(t, thief.Confirm("bsmith@demo.example"), 200, "/set-up")
				forget(h, mine, deviceAt(t, h, "203.0.113.66"))
				if p := thief.Do("GET", "/profile", nil); p.Status != http.StatusSeeOther {
					t.Errorf("the session lives on: %d", p.Status)
				}
				for _, ip := range []string{"203.0.113.66", "203.0.113.67"} {
					thief.IP = ip
					wantToken(t, thief.SignIn("BSMITH"))
				}
				if strings.HasPrefix(name, "profile") {
					wantAt(t, mine.Get("/profile"), 200, "/profile")
				}
			})
		})
	}
}

// deviceAt returns the ID of BSMITH's connection from an address.
func deviceAt(t *testing.T, h *App, ip string) string {
	t.Helper()
	var id string
	if err := h.Raw().QueryRowContext(t.Context(), `SELECT id FROM device WHERE agency_id = $1 AND ip = $2`, h.Agency.ID, ip).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// DV-08, TH-05: where nothing is remembered, a reported browser is as unknown as any other. Its
// failures do not lock the user's own device, and its next sign-in sends a notice.
func TestDisownedBrowserIsUnknownWhereNothingIsRemembered(t *testing.T) {
	token := func(h *App, b *Browser) *Page {
		return b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example"))
	}
	for name, c := range map[string]struct {
		rights []countersign.Right
		set    func(h *App)
		in     func(h *App, b *Browser) *Page
	}{
		"frequency 0":               {set: func(h *App) { h.Set("2FAFREQUENCY", "0") }, in: token},
		"2FA Off":                   {set: func(h *App) { h.Set("2FA", "Off") }},
		"always ask administrators": {rights: countersign.AgencyRights, set: func(h *App) { h.Set("2FAADMINALWAYS", "On") }, in: token},
	} {
		t.Run(name, func(t *testing.T) {
			Each(t, func(t *testing.T, h *App) {
				h.Administrator()
				h.User("BSMITH", c.rights...)
				c.set(h)
				mine := h.Browser("192.0.2.10", Chrome)
				if c.in == nil {
					mine.SignIn("BSMITH")
				} else {
					mine.Enroll("BSMITH")
				}
				mine.SignOut()
				h.Mail("") // its notice is the older one
				h.Pass(time.Minute)
				thief := h.Browser("203.0.113.66", SafariMac)
				in := func() {
					t.Helper()
					p := thief.SignIn("BSMITH")
					if c.in != nil {
						p = c.in(h, thief)
					}
					wantIn(t, p, "BSMITH")
				}
				in()
				path, handle := newest(h, "bsmith@demo.example")
				reportSignIn(t, h, path, handle)
				failAndNotify(t, h, thief, mine, in)
			})
		})
	}
}

// The same for a browser that signed in with a recovery code.
func TestDisownedBrowserIsUnknownAfterARecoveryCode(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		mine := h.Browser("192.0.2.10", Chrome)
		mine.Enroll("BSMITH")
		codes := recoveryCodes(mine)
		mine.SignOut()
		h.Mail("") // its notice is the older one
		h.Pass(time.Minute)
		thief := h.Browser("203.0.113.66", SafariMac)
		in := func() {
			t.Helper()
			thief.SignIn("BSMITH")
			wantIn(t, thief.Post("/sign-in/token", "recovery_code", codes[0]), "BSMITH")
			codes = codes[1:]
		}
		in()
		path, handle := newest(h, "bsmith@demo.example")
		reportSignIn(t, h, path, handle)
		failAndNotify(t, h, thief, mine, in)
	})
}

// failAndNotify sends wrong passwords from a reported browser. The user's own device can sign in,
// and the next sign-in of the reported browser sends a notice; each time from another address as
// well.
func failAndNotify(t *testing.T, h *App, thief, mine *Browser, in func()) {
	t.Helper()
	h.Pass(time.Second)
	for range 8 {
		thief.SignInWith("BSMITH", "not the password of BSMITH")
	}
	if p := mine.SignIn("BSMITH"); p.Status == http.StatusTooManyRequests {
		t.Error("wrong passwords from a reported browser locked the user's own device")
	}
	mine.Get("/")
	h.Pass(2 * time.Hour)
	for _, ip := range []string{"203.0.113.66", "203.0.113.67"} {
		thief.IP = ip
		before := connectionNotices(h)
		in()
		if after := connectionNotices(h); after != before+1 {
			t.Errorf("the next sign-in from %s sent %d letters, want 1: %v", ip, after-before, h.Subjects("bsmith@demo.example"))
		}
		thief.SignOut()
	}
}

// connectionNotices counts the new-connection notices to BSMITH.
func connectionNotices(h *App) int {
	n := 0
	for _, s := range h.Subjects("bsmith@demo.example") {
		if s == "New sign on to Agency Integrator" {
			n++
		}
	}
	return n
}

// DV-08: an address that a reported session has put into the profile, and tokens that it moved
// there, are restored. Recovery codes that it made are removed.
func TestDisowningPutsTheAddressBack(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		h.Pass(time.Minute)
		thief := phish(t, h)
		path, handle := newest(h, "bsmith@demo.example")
		codes := recoveryCodes(thief)
		for _, to := range []string{"thief@elsewhere.example", "thief@another.example"} {
			thief.Get("/profile/email")
			thief.Post("/profile/email", "email", to, "also_two_factor", "yes")
			thief.Post("/profile/email/token", "token", h.Token(to))
		}
		if got := emailOf(t, h); got != "thief@another.example" {
			t.Fatalf("the thief's address is not in the profile: %s", got)
		}
		reportSignIn(t, h, path, handle)
		if got := emailOf(t, h); got != "bsmith@demo.example" {
			t.Errorf("the profile has %s", got)
		}
		thief.SignIn("BSMITH")
		if p := thief.Post("/sign-in/token", "recovery_code", codes[0]); p.Path == "/" {
			t.Error("the thief's recovery code works")
		}
		h.Token("bsmith@demo.example") // tokens go to the user again
		if mail := h.Mail("thief@another.example"); strings.Contains(mail[0].Subject, "removed") {
			t.Errorf("the thief is told: %s", mail[0].Subject)
		}
	})
}

func emailOf(t *testing.T, h *App) (email string) {
	t.Helper()
	if err := h.Raw().QueryRowContext(t.Context(), `SELECT email FROM users WHERE agency_id = $1 AND login = 'BSMITH'`, h.Agency.ID).Scan(&email); err != nil {
		t.Fatal(err)
	}
	return email
}

// DV-08: after a reset made by a reported session, the password alone does not open set-up.
func TestDisowningClosesAReset(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		h.Pass(time.Minute)
		thief := phish(t, h)
		path, handle := newest(h, "bsmith@demo.example")
		thief.Get("/profile")
		wantAt(t, thief.Post("/profile/reset-two-factor", "password", Password), 200, "/set-up/email")
		reportSignIn(t, h, path, handle)
		if p := thief.Get("/set-up/email"); p.Path != "/sign-in" {
			t.Errorf("the thief's set-up lives on at %s", p.Path)
		}
		if p := thief.SignIn("BSMITH"); strings.HasPrefix(p.Path, "/set-up") {
			t.Errorf("the password alone opens %s", p.Path)
		}
	})
}
