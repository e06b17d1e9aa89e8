package apptest

import (
	"testing"
	"time"
)

// ticked reports whether the page's check box of this name is checked.
func ticked(p *Page, name string) bool {
	for _, n := range p.nodes("input") {
		if attribute(n, "name") != name || attribute(n, "type") != "checkbox" {
			continue
		}
		for _, a := range n.Attr {
			if a.Key == "checked" {
				return true
			}
		}
	}
	return false
}

// "Do not remember this device" needs to be chosen only once: no error, no new token and no other
// method resets it.
func TestNotRememberingIsSaidOnce(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).EnrollApp("BSMITH", "email")
		b := h.Browser("198.51.100.20", Chrome)
		page := b.SignIn("BSMITH")
		if ticked(page, "forget_device") {
			t.Error("it is ticked beforehand")
		}
		keeps := func(after string, p *Page) {
			t.Helper()
			if !ticked(p, "forget_device") {
				t.Errorf("lost after %s: %d %s", after, p.Status, p.Text())
			}
		}
		yes := []string{"forget_device", "no", "forget_device", "yes"} // the hidden field, then the box
		keeps("an error", b.Post("/sign-in/token", append(yes, "token", "12")...))
		keeps("a wait", b.Post("/sign-in/token/new", yes...))
		h.Pass(31 * time.Second)
		b.Get("/sign-in/token")
		keeps("a new token", b.Post("/sign-in/token/new", yes...))
		keeps("a reload", b.Get("/sign-in/token"))
		b.Post("/sign-in/other-way", yes...)
		wantAt(t, b.page, 200, "/sign-in/other-way", "Use another way")
		keeps("another way", b.Post("/sign-in/other-way", "method", "app"))
		if p := b.Post("/sign-in/token", "forget_device", "no", "token", "12"); ticked(p, "forget_device") {
			t.Error("it can't be unsaid")
		}
		b.Post("/sign-in/other-way", "method", "email", "forget_device", "no", "forget_device", "yes")
		wantIn(t, b.Post("/sign-in/token", append(yes, "token", h.Token("bsmith@demo.example"))...), "BSMITH")
		b.SignOut()
		asked := b.SignIn("BSMITH")
		wantToken(t, asked)
		if !asked.Says("You chose not to remember this device.") {
			t.Errorf("the page does not say why: %s", asked.Text())
		}
	})
}

// The buttons beside the form belong to it, so that they send the box too.
func TestTheTokenPageSendsTheBoxWithEveryButton(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).EnrollApp("BSMITH", "email")
		page := h.Browser("198.51.100.20", Chrome).SignIn("BSMITH")
		for _, to := range []string{"/sign-in/token/new", "/sign-in/other-way"} {
			found := false
			for _, n := range page.nodes("button") {
				found = found || attribute(n, "formaction") == to && attribute(n, "form") == "token-form"
			}
			if !found {
				t.Errorf("no button of the form leads to %s", to)
			}
		}
	})
}
