package apptest

import (
	"context"
	"testing"

	"countersign"
)

// PW-05, SE-06: the password alone changes the password of a user without a method, but no longer
// if one was set up while the form was open.
func TestChangePasswordBesideANewMethod(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Set("2FA", "Off")
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		wantIn(t, b.SignIn("BSMITH"), "BSMITH")
		v := h.Visit()
		v.Session = countersign.Handle(b.Cookie("session"))
		g, err := h.Authn.Authenticate(context.Background(), v)
		if err != nil || g.Enrolled {
			t.Fatalf("%v, has a method: %v", err, g.Enrolled)
		}
		h.Set("2FA", "On")
		h.Browser("192.0.2.20", Chrome).Enroll("BSMITH")
		if _, err := h.Account.ChangePassword(context.Background(), v, g, Password, another, false); countersign.KindOf(err) != countersign.KindStepUpRequired {
			t.Errorf("the password was changed: %v", err)
		}
		wantToken(t, h.Browser("192.0.2.30", Chrome).SignIn("BSMITH"))
	})
}
