package apptest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
)

// ER-04, SE-06: set-up from the User Profile changes methods, so a session whose proof has become
// too old gets a step-up, and continues by itself.
func TestWizardOfAProfileAsksAgain(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		h.Set("TOKENMINUTES", "10")
		open := func() {
			h.Pass(10 * time.Minute)
			b.Get("/profile")
			b.Post("/profile/setup-two-factor")
			wantAt(t, b.Confirm("bsmith@demo.example"), 200, "/set-up")
		}
		methods := func() int { return strings.Count(strings.Join(h.Events("BSMITH"), "\n"), "method.added ok") }
		open()
		key := b.Get("/set-up/app").Key()
		h.Pass(6 * time.Minute)
		before := methods()
		wantAt(t, b.Post("/set-up/app", "token", h.AppToken(key)), 200, "/step-up", "You are about to change your two factor authentication methods")
		if methods() != before {
			t.Fatal("added before the step-up")
		}
		p := b.Confirm("bsmith@demo.example")
		wantAt(t, p, 200, "/set-up", "Two Factor Authentication set up is now complete for the app method.")
		if methods() != before+1 {
			t.Error("not added after it")
		}
		h.Pass(6 * time.Minute)
		b.Post("/set-up/skip") // skips what is left, and changes nothing
		wantAt(t, b.Post("/set-up/default", "default", "email"), 200, "/step-up")
		wantAt(t, b.Confirm("bsmith@demo.example"), 200, "/set-up/done")

		open()
		b.Get("/set-up/email?change")
		b.Post("/set-up/email", "email", "bob@new.example")
		token := h.Token("bob@new.example")
		h.Pass(6 * time.Minute)
		wantAt(t, b.Post("/set-up/email/token", "token", token), 200, "/step-up")
		if b.Get("/profile").Says("bob@new.example. Set up") {
			t.Error("moved before the step-up")
		}
	})
}

// Whether a user may continue is checked at the end, not only at the beginning: if they were
// disabled, reset or lost the right in between, a correct token does nothing.
func TestAskedAgainAtTheEnd(t *testing.T) {
	meanwhile := map[string]func(t *testing.T, h *App, login string){
		"disabled": func(t *testing.T, h *App, login string) { h.edit(t, login, admin.Change{Disabled: new(true)}) },
		"reset": func(t *testing.T, h *App, login string) {
			_, err := h.Admin.ResetTwoFactor(t.Context(), h.Visit(), Operator, login, "a test")
			must(t, err)
		},
		"stripped": func(t *testing.T, h *App, login string) {
			h.edit(t, login, admin.Change{RemoveRights: []countersign.Right{countersign.RightUsers}})
		},
	}
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("CBILLS")
		for name, change := range meanwhile {
			login := h.recruit()
			h.edit(t, login, admin.Change{AddRights: []countersign.Right{countersign.RightUsers}})
			to := strings.ToLower(login) + "@demo.example"
			b := h.Browser("192.0.2.10", Chrome)
			b.Enroll(login)
			h.Pass(10 * time.Minute)
			half := h.Browser("192.0.2.20", Chrome)
			wantToken(t, half.SignIn(login))
			signIn := h.Token(to)
			b.Get("/admin/users/CBILLS")
			h.Pass(time.Minute)
			wantAt(t, b.Post("/admin/users/CBILLS/disable"), 200, "/step-up")
			stepUp := h.Token(to)
			change(t, h, login)
			if p := b.Post("/step-up", "token", stepUp); p.Status == 200 && strings.HasPrefix(p.Path, "/admin") {
				t.Errorf("%s: the act went on: %s", name, p.Text())
			}
			if slices.Contains(h.Events("CBILLS"), "user.changed ok") {
				t.Errorf("%s: the act was done", name)
			}
			p := half.Post("/sign-in/token", "token", signIn)
			if in := p.Path == "/"; in != (name == "stripped") {
				t.Errorf("%s: signed in %v: %s", name, in, p.Text())
			}
		}
	})
}
