package apptest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// SE-04: an administrator ends one session of a user, with what was begun from it. The others
// continue.
func TestAdministratorEndsOneSession(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		first, second := h.Browser("192.0.2.10", Chrome), h.Browser("192.0.2.11", Edge)
		first.Enroll("BSMITH")
		second.SignIn("BSMITH")
		second.Post("/sign-in/token", "token", h.Token("bsmith@demo.example"))
		second.Get("/profile")
		wantAt(t, second.Post("/profile/setup-two-factor"), 200, "/set-up")
		a := h.Browser("192.0.2.99", Chrome)
		a.Enroll("ADMIN")
		page := a.Get("/admin/users/BSMITH")
		var id string
		if err := h.Raw().QueryRowContext(t.Context(), `SELECT id FROM session WHERE agency_id = $1 AND ip = '192.0.2.11'`, h.Agency.ID).Scan(&id); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(page.Body, "/admin/users/BSMITH/sessions/end-one"); n != 2 || !strings.Contains(page.Body, id) {
			t.Fatalf("%d sessions can be ended: %s", n, page.Text())
		}
		wantAt(t, a.Post("/admin/users/BSMITH/sessions/end-one", "session", id), 200, "/admin/users/BSMITH", "The session was ended.")
		if p := second.Do("GET", "/profile", nil); p.Status != http.StatusSeeOther {
			t.Errorf("the session lives on: %d", p.Status)
		}
		if p := second.Get("/set-up/app"); p.Path != "/sign-in" {
			t.Errorf("its set-up lives on at %s", p.Path)
		}
		wantAt(t, first.Get("/profile"), 200, "/profile", "ended sessions.")
		if !slices.Contains(h.Events("BSMITH"), "session.ended ok") {
			t.Errorf("no audit row: %v", h.Events("BSMITH"))
		}
		for _, gone := range []string{id, "", "no such session"} {
			a.Get("/admin/users/BSMITH")
			wantAt(t, a.Post("/admin/users/BSMITH/sessions/end-one", "session", gone), http.StatusNotFound, "/admin/users/BSMITH/sessions/end-one")
		}
		if own := a.Get("/admin/users/ADMIN"); strings.Contains(own.Body, "/admin/users/ADMIN/sessions/end-one") || !own.Says("This session") {
			t.Errorf("the own session can be ended there: %s", own.Text())
		}
	})
}
