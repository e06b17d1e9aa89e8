package apptest

import (
	"slices"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/store"
)

// AU-01: each event is one audit row with who, from where and how. No row holds a token, a password
// or a whole phone number (AU-02).
func TestEventsOfADay(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		h.User("JJONES", countersign.RightUsers)
		b := h.Browser("192.0.2.10", Chrome)
		b.SignInWith("BSMITH", "wrong password, certainly")
		b.Enroll("BSMITH")
		b.SignOut()
		other := h.Browser("192.0.2.20", Chrome)
		other.SignIn("BSMITH")
		token := h.Token("bsmith@demo.example")
		other.Post("/sign-in/token", "token", otherThan(token))
		other.Post("/sign-in/token", "token", token)
		other.Get("/profile")
		other.Post("/profile/devices/forget")
		admin := h.Browser("192.0.2.30", Chrome)
		admin.Enroll("ADMIN")
		admin.Get("/admin/users/BSMITH")
		admin.Post("/admin/users/BSMITH/reset-two-factor", "reason", "phone lost")
		lacks := h.Browser("192.0.2.40", Chrome)
		lacks.Enroll("JJONES")
		lacks.Get("/admin/users/new")
		lacks.Post("/admin/users/new", "user_id", "", "name", "X", "email", "x@demo.example", "right", string(countersign.RightReset))

		want := []string{"user.added ok", "sign-in.password refused", "set-up.opened ok", "token.sent ok", "method.added ok", "set-up.completed ok",
			"sign-in.completed ok", "session.signed_out ok", "sign-in.token_asked ok", "token.sent ok", "token.wrong refused", "sign-in.completed ok",
			"device.forgotten ok", "two-factor.reset ok"}
		if got := h.Events("BSMITH"); !slices.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
		if !slices.Contains(h.Events(""), "right.refused refused") {
			t.Error("a right that was refused among other faults of a form is not in the log")
		}
		err := h.DB.Read(t.Context(), h.Agency.ID, func(tx *store.Tx) error {
			all, err := tx.Events(t.Context(), "", 1000)
			for _, e := range all {
				row := e.Reason + e.Subject + e.Actor
				for _, v := range e.Detail {
					row += v
				}
				if strings.Contains(row, token) || strings.Contains(row, Password) || strings.Contains(row, "wrong password") {
					t.Errorf("a secret stands in the log: %+v", e)
				}
				if e.Action == "sign-in.completed" && (e.Method == "" || !e.Client.IP.IsValid() || e.Client.Browser == "" || e.Request == "") {
					t.Errorf("the row does not say how or from where: %+v", e)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
