package apptest

import (
	"countersign"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/outbox"
	"countersign/internal/store"
)

// changeable returns what a session can change about BSMITH: addresses, methods, the Default and
// the names of passkeys.
func changeable(t *testing.T, h *App) (all string) {
	t.Helper()
	err := h.DB.Read(t.Context(), h.Agency.ID, func(tx *store.Tx) error {
		u, err := tx.UserByLogin(t.Context(), "BSMITH")
		if err != nil {
			return err
		}
		lines := []string{}
		factors, err := tx.Factors(t.Context(), u.ID)
		for _, f := range factors {
			line := fmt.Sprintf("%s %s default=%t", f.Method, f.Address, f.Default)
			for _, p := range f.Passkeys {
				line += fmt.Sprintf(" %q", p.Name)
			}
			lines = append(lines, line)
		}
		slices.Sort(lines)
		all = u.Email + " " + u.Mobile + "\n" + strings.Join(lines, "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// DV-08: whatever a reported session has changed about its user is restored, and every address gets
// a notice of it.
func TestDisowningPutsEverythingBack(t *testing.T) {
	phone := func(h *App, b *Browser, digits string) {
		b.Get("/profile/phone")
		b.Post("/profile/phone", "phone", digits)
		b.Post("/profile/phone/token", "token", h.Token("+1"+digits))
	}
	wizard := func(h *App, b *Browser) {
		b.Get("/profile")
		b.Post("/profile/setup-two-factor")
	}
	tests := []struct {
		name   string
		does   func(h *App, thief *Browser)
		letter string
		says   string
	}{
		{"phone", func(h *App, b *Browser) { phone(h, b, "6145550199") }, "The mobile phone of BSMITH", "It was put back."},
		{"phone, twice", func(h *App, b *Browser) { phone(h, b, "6145550199"); phone(h, b, "6145550198") }, "Tokens for Agency Integrator go where they went before", "+16145550198"},
		{"number of SMS", func(h *App, b *Browser) {
			wizard(h, b)
			b.Get("/set-up/sms")
			b.Post("/set-up/sms", "phone", "6145550199")
			b.Post("/set-up/sms/token", "token", h.Token("+16145550199"))
			b.Post("/set-up/skip")
			b.Post("/set-up/default", "default", "sms")
		}, "Tokens for Agency Integrator go where they went before", "A sign-in that was reported as not yours had changed it."},
		{"Default", func(h *App, b *Browser) {
			b.Get("/profile")
			b.Post("/profile/default", "default", "email")
		}, "Your Default for Agency Integrator was changed", "It was put back."},
		{"Default of an app", func(h *App, b *Browser) { addApp(h.T.(*testing.T), h, b) }, "A method was removed", "reported as not yours had added or changed it"},
		{"name of a passkey", func(h *App, b *Browser) {
			p := b.Get("/profile")
			key := rowOf(linkWith(p, "rename", "passkey="))
			b.Get("/profile/passkeys/rename?passkey=" + key)
			b.Post("/profile/passkeys/rename", "passkey", key, "passkey_name", "Old phone")
			b.Get("/profile/passkeys/rename?passkey=" + key)
			b.Post("/profile/passkeys/rename", "passkey", key, "passkey_name", "Lost phone")
		}, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			Each(t, func(t *testing.T, h *App) {
				h.T = t
				h.Administrator()
				h.User("BSMITH")
				mine := h.Browser("192.0.2.10", Chrome)
				mine.EnrollPasskey("BSMITH", "email", NewAuthenticator(t))
				phone(h, mine, "6145550112")
				wizard(h, mine)
				mine.Get("/set-up/sms")
				mine.Post("/set-up/sms", "phone", "6145550113")
				mine.Post("/set-up/sms/token", "token", h.Token("+16145550113"))
				mine.Post("/set-up/skip")
				mine.Post("/set-up/default", "default", "sms")
				h.Pass(11 * time.Minute)
				before := changeable(t, h)
				thief := h.Browser("203.0.113.66", SafariMac)
				thief.SignIn("BSMITH")
				wantIn(t, thief.Post("/sign-in/token", "token", h.Token("+16145550113")), "BSMITH")
				path, handle := newest(h, bsmith)
				tt.does(h, thief)
				if changeable(t, h) == before {
					t.Fatal("the thief has changed nothing")
				}
				reportSignIn(t, h, path, handle)
				if after := changeable(t, h); after != before {
					t.Errorf("before:\n%s\nafter:\n%s", before, after)
				}
				told := slices.ContainsFunc(h.Mail(bsmith), func(m outbox.Mail) bool {
					return strings.Contains(m.Subject, tt.letter) && strings.Contains(m.Text, tt.says)
				})
				if !told {
					t.Errorf("the letter %q does not say %q: %q", tt.letter, tt.says, h.Subjects(bsmith))
				}
			})
		})
	}
}

// DV-08: the report of a later sign-in undoes what the same browser changed in an earlier session,
// and signs out whoever signed in with a password that it changed.
func TestDisowningCoversEarlierSessionsOfTheBrowser(t *testing.T) {
	signIn := func(h *App, b *Browser, password string) {
		b.SignInWith("BSMITH", password)
		wantIn(h.T.(*testing.T), b.Post("/sign-in/token", "token", h.Token(bsmith)), "BSMITH")
	}
	t.Run("app", func(t *testing.T) {
		Each(t, func(t *testing.T, h *App) {
			h.T = t
			h.Administrator()
			h.User("BSMITH")
			h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
			h.Pass(time.Minute)
			thief := h.Browser("203.0.113.66", SafariMac)
			signIn(h, thief, Password)
			h.Pass(time.Minute)
			thief.Get("/profile")
			thief.Post("/profile/setup-two-factor")
			key := thief.Get("/set-up/app").Key()
			thief.Post("/set-up/app", "token", h.AppToken(key))
			thief.Get("/profile")
			thief.SignOut()
			h.Pass(time.Hour)
			thief.IP = "203.0.113.99"
			signIn(h, thief, Password)
			_, handle := newest(h, bsmith)
			reader := h.Browser("198.51.100.7", Edge)
			reader.Get("/not-me?link=" + handle)
			reader.Post("/not-me", "link", handle)
			p, err := h.Admin.User(t.Context(), h.Visit(), Operator, "BSMITH")
			if err != nil {
				t.Fatal(err)
			}
			for _, fa := range p.Factors {
				if fa.Method == countersign.MethodApp {
					t.Error("the app of the reported browser still works")
				}
			}
		})
	})
	t.Run("password", func(t *testing.T) {
		Each(t, func(t *testing.T, h *App) {
			const changed = "another long password 7"
			h.T = t
			h.Administrator()
			h.User("BSMITH")
			h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
			h.Pass(time.Minute)
			thief := h.Browser("203.0.113.66", SafariMac)
			signIn(h, thief, Password)
			_, handle := newest(h, bsmith)
			thief.Get("/password/change")
			thief.Post("/password/change", "password", Password, "new_password", changed)
			h.Pass(time.Minute)
			second := h.Browser("203.0.113.70", Edge)
			signIn(h, second, changed)
			reader := h.Browser("198.51.100.7", Edge)
			reader.Get("/not-me?link=" + handle)
			reader.Post("/not-me", "link", handle)
			if p := second.Get("/profile"); p.Path == "/profile" {
				t.Error("a session begun with the changed password goes on")
			}
		})
	})
}
