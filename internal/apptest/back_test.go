package apptest

import "testing"

// In a set-up opened from the User Profile, an unverified new address can be dropped (M34): its
// token ends, the old address stays, the other methods are open.
func TestBackToTheOtherMethods(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		b.Get("/profile")
		wantAt(t, b.Post("/profile/setup-two-factor"), 200, "/set-up")
		wantAt(t, b.Get("/set-up/email?change"), 200, "/set-up/email", "Back to the other methods")
		wantAt(t, b.Post("/set-up/email/drop"), 200, "/set-up") // nothing was sent yet
		b.Get("/set-up/email?change")
		wantAt(t, b.Post("/set-up/email", "email", "bob@mail.example"), 200, "/set-up/email", "Back to the other methods")
		token := h.Token("bob@mail.example")
		wantAt(t, b.Get("/set-up/app"), 200, "/set-up/email") // the token's page comes first
		wantAt(t, b.Post("/set-up/email/drop"), 200, "/set-up", "Authenticator app", "SMS", "Change the email address")
		wantAt(t, b.Get("/set-up/app"), 200, "/set-up/app", "Use the App to scan this QR Code")
		if p := b.Post("/set-up/email/token", "token", token); p.Status == 200 && p.Says("complete for the Email method") {
			t.Errorf("the token of an address that was left still works: %s", p.Text())
		}
		wantAt(t, b.Get("/profile"), 200, "/profile", "bsmith@demo.example")
		if b.page.Says("bob@mail.example") {
			t.Errorf("the address was taken: %s", b.page.Text())
		}
	})
}

// At the first set-up there is nothing to go back to: the address comes first (M13).
func TestNoWayAroundTheFirstAddress(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		if b.page.Says("Back to the other methods") {
			t.Error("a way back is offered")
		}
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		wantAt(t, b.Post("/set-up/email/drop"), 200, "/set-up/email")
		wantAt(t, b.Get("/set-up/app"), 200, "/set-up/email")
	})
}
