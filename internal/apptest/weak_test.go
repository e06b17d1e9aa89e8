package apptest

import (
	"crypto/sha1"
	"fmt"
	"strings"
	"testing"

	"countersign/internal/secret"
)

// PW-04: a new password that is stolen or among the most used is refused with the reason, wherever
// one is chosen.
func TestNewPasswordIsCommonOrStolen(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Set("PASSWORDLENGTH", "8")
		h.steal(t, another)
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		path, key := forgot(t, h, "BSMITH")
		n := h.Browser("192.0.2.50", Chrome)
		n.Get(path)
		b.Get("/password/change")
		for chosen, says := range map[string]string{
			"Baseball":         "is among the most used, which is guessed early.",
			"trustno1trustno1": "is among the most used",
			"Agency2026!":      "is a form of the name of your agency",
			another:            "This password is in a list of stolen passwords. Choose another one.",
			"Pass!2!":          "Adding to it is not enough",
		} {
			if p := n.Post("/password/reset", "key", key, "new_password", chosen); p.Status != 422 || !p.Says(says) {
				t.Errorf("%q by a link: %d %s", chosen, p.Status, p.Text())
			}
			if p := b.Post("/password/change", "password", Password, "new_password", chosen); p.Status != 422 || !p.Says(says) {
				t.Errorf("%q by a change: %d %s", chosen, p.Status, p.Text())
			}
		}
	})
}

// steal puts passwords into the operator's list of stolen ones.
func (h *App) steal(t *testing.T, passwords ...string) {
	t.Helper()
	var lines strings.Builder
	for _, p := range passwords {
		fmt.Fprintf(&lines, "%X:9\n", sha1.Sum([]byte(p)))
	}
	list, err := secret.BuildBreached(strings.NewReader(lines.String()), 1)
	if err != nil {
		t.Fatal(err)
	}
	h.Authn.Passwords.Breached = list
}

// PW-04: a user who signs in with a stolen password is asked to change it, and may continue to
// where they were going. No user is locked out.
func TestSignInWithAStolenPasswordAsks(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		b.SignOut()
		h.steal(t, Password)
		b.Get("/sign-in?then=/profile")
		p := b.Post("/sign-in", "user_id", "BSMITH", "password", Password, "then", "/profile")
		wantAt(t, p, 200, "/password/change", "Your password is in a list of stolen passwords", "Not now")
		if !strings.Contains(p.Body, `href="/profile">Not now`) {
			t.Error("not now leads elsewhere")
		}
		wantAt(t, b.Get("/profile"), 200, "/profile")
		other := h.Browser("192.0.2.20", Chrome)
		wantToken(t, other.SignIn("BSMITH")) // nothing is skipped
		wantAt(t, other.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), 200, "/password/change", "Choose another one.")
		p = other.Post("/password/change", "password", Password, "new_password", another)
		wantAt(t, p, 200, "/profile", "Your password was changed.")
		other.SignOut()
		other.SignInWith("BSMITH", another)
		wantIn(t, other.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
		wantAt(t, other.Get("/password/change?notice=x&then=//evil.example"), 200, "/password/change")
		if p := other.Get("/password/change?notice=password.breached&then=//evil.example"); strings.Contains(p.Body, "evil") {
			t.Error("an open redirect (WB-04)")
		}
	})
}
