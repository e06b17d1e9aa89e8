package apptest

import (
	"strings"
	"testing"
)

// NT-02: a notice about a change names the address, the browser and the system that it came from.
func TestLettersSayFromWhere(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.77", Chrome)
		b.Enroll("BSMITH")
		b.Get("/password/change")
		wantAt(t, b.Post("/password/change", "password", Password, "new_password", another), 200, "/profile", "Your password was changed.")
		for _, m := range h.Mail("bsmith@demo.example") {
			if !strings.Contains(m.Subject, "password") {
				continue
			}
			for _, said := range []string{"192.0.2.77", "Chrome", "BSMITH"} {
				if !strings.Contains(m.Text, said) {
					t.Errorf("the letter does not say %s:\n%s", said, m.Text)
				}
			}
			return
		}
		t.Errorf("no letter about the password: %q", h.Subjects("bsmith@demo.example"))
	})
}
