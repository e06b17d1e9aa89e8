package apptest

import "testing"

// DV-06: changing the phone number forgets every remembered device, also the one it was changed on,
// even if no token goes there.
func TestOwnPhoneForgetsEveryDevice(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		work := h.Browser("192.0.2.10", Chrome)
		work.Enroll("BSMITH")
		home := h.Browser("192.0.2.20", Chrome)
		wantToken(t, home.SignIn("BSMITH"))
		wantIn(t, home.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")
		home.SignOut()
		wantIn(t, home.SignIn("BSMITH"), "BSMITH") // remembered
		home.SignOut()
		work.Get("/profile/phone")
		work.Post("/profile/phone", "phone", "6145550119")
		wantAt(t, work.Post("/profile/phone/token", "token", h.Token("+16145550119")), 200, "/profile", "Your mobile phone was changed.")
		wantToken(t, home.SignIn("BSMITH"))
		work.SignOut()
		wantToken(t, work.SignIn("BSMITH"))
	})
}
