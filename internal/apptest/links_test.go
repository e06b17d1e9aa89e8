package apptest

import (
	"net/http"
	"testing"

	"countersign/internal/admin"
)

// PW-06: a password link ends when its mailbox no longer counts: a new address, whoever changed it,
// a user who is disabled, and a reset. Links in the old mailbox then open nothing and change
// nothing.
func TestLinksEndWithTheirMailbox(t *testing.T) {
	edit := func(t *testing.T, h *App, c admin.Change) {
		c.Version = admin.AnyVersion
		if _, err := h.Admin.EditUser(t.Context(), h.Visit(), Operator, "BSMITH", c); err != nil {
			t.Fatal(err)
		}
	}
	deeds := map[string]func(t *testing.T, h *App, b *Browser){
		"email changed by an administrator": func(t *testing.T, h *App, _ *Browser) {
			to := "bob@new.example"
			edit(t, h, admin.Change{Email: &to})
		},
		"email changed by himself": func(t *testing.T, h *App, b *Browser) {
			b.Get("/profile/email")
			b.Post("/profile/email", "email", "bob@new.example")
			wantAt(t, b.Post("/profile/email/token", "token", h.Token("bob@new.example")), 200, "/profile", "Your email address was changed.")
		},
		"disabled and enabled again": func(t *testing.T, h *App, _ *Browser) {
			off, on := true, false
			edit(t, h, admin.Change{Disabled: &off})
			edit(t, h, admin.Change{Disabled: &on})
		},
		"reset by an administrator": func(_ *testing.T, h *App, _ *Browser) { h.reset("BSMITH") },
		"reset by himself": func(t *testing.T, h *App, b *Browser) {
			b.Get("/profile/reset-two-factor")
			wantSetUp(t, b.Post("/profile/reset-two-factor", "password", Password))
		},
	}
	for name, deed := range deeds {
		t.Run(name, func(t *testing.T) {
			Each(t, func(t *testing.T, h *App) {
				h.User("BSMITH")
				b := h.Browser("192.0.2.10", Chrome)
				b.Enroll("BSMITH")
				path, key := forgot(t, h, "BSMITH")
				n := h.Browser("192.0.2.50", Chrome)
				wantAt(t, n.Get(path), 200, "/password/reset")
				deed(t, h, b)
				if p := n.Post("/password/reset", "key", key, "new_password", another); p.Status != http.StatusGone || !p.Says("This link no longer works") {
					t.Errorf("the link is used: %d %s", p.Status, p.Text())
				}
				if p := n.Get(path); p.Status != http.StatusGone {
					t.Errorf("the link is opened: %d", p.Status)
				}
				if p := h.Browser("192.0.2.60", Chrome).SignInWith("BSMITH", another); p.Status != 422 {
					t.Errorf("the password of a dead link: %d %s", p.Status, p.Path)
				}
			})
		})
	}
}

// PW-07: an administrator who corrects the address of a new user ends the activation link that was
// sent to the wrong one, and sends a new one.
func TestActivationEndsWithItsMailbox(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		b.Get("/admin/users/new")
		b.Post("/admin/users/new", "user_id", "JJONES", "name", "Jim Jones", "email", "wrong@demo.example")
		wrong := link(t, h, "wrong@demo.example", "/welcome?link=")
		p := b.Get("/admin/users/JJONES/edit")
		wantAt(t, b.Post("/admin/users/JJONES/edit", "version", p.Value("version"), "name", "Jim Jones", "email", "jjones@demo.example"), 200, "/admin/users/JJONES", "jjones@demo.example", "Not chosen yet")
		n := h.Browser("192.0.2.20", Chrome)
		if p := n.Get(wrong); p.Status != http.StatusGone || !p.Says("This link no longer works") {
			t.Errorf("the link of the wrong address: %d %s", p.Status, p.Text())
		}
		wantAt(t, b.Post("/admin/users/JJONES/activation"), 200, "/admin/users/JJONES", "A new link is on its way.")
		wantAt(t, n.Get(link(t, h, "jjones@demo.example", "/welcome?link=")), 200, "/welcome", "Welcome, Jim Jones")
	})
}
