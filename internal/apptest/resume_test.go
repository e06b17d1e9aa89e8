package apptest

import (
	"testing"
	"time"
)

// SE-06: a change kept over a sign-in does not continue by itself, however recent the proof of that
// sign-in is: a page shows it first, and one click does it.
func TestKeptChangeIsShownFirst(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("JJONES")
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		comeBack := func() *Page {
			b.Get("/admin/users/JJONES")
			h.Pass(31 * 24 * time.Hour) // so that the device needs a token again
			wantAt(t, b.Post("/admin/users/JJONES/disable"), 200, "/sign-in")
			b.Post("/sign-in", "user_id", "ADMIN", "password", Password)
			return b.Post("/sign-in/token", "token", h.Token("admin@demo.example"))
		}
		disabled := func() bool {
			return h.Browser("192.0.2.20", Chrome).SignIn("JJONES").Path != "/set-up/email"
		}
		wantAt(t, comeBack(), 200, "/step-up", "Go on with what you sent?", "disable the user JJONES", "nothing of it is done yet")
		if disabled() {
			t.Error("done before it was seen")
		}
		wantAt(t, b.Post("/step-up/cancel"), 200, "/admin/users/JJONES")
		if disabled() {
			t.Error("done although it was cancelled")
		}
		b.SignOut()
		b.SignIn("ADMIN")
		wantAt(t, comeBack(), 200, "/step-up", "Go on with what you sent?")
		wantAt(t, b.Post("/step-up", "go_on", "yes"), 200, "/admin/users/JJONES", "Disabled")

		b.Get("/admin/users/JJONES")
		h.Pass(31 * 24 * time.Hour)
		b.Post("/admin/users/JJONES/enable")
		b.Post("/sign-in", "user_id", "ADMIN", "password", Password)
		b.Post("/sign-in/token", "token", h.Token("admin@demo.example"))
		h.Pass(6 * time.Minute) // the proof is old: the button alone does nothing
		wantAt(t, b.Post("/step-up", "go_on", "yes"), 200, "/step-up", "Confirm it is you", "enable the user JJONES")
	})
}
