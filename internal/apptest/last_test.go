package apptest

import (
	"strings"
	"testing"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/policy"
)

// RS-07: another user does not count as an administrator if they can't give the rights back: a
// right is granted only by its holders, and signing in needs a password. The only holder of all
// rights can't be disabled, lose rights, be removed or reset, until another user who has chosen a
// password holds them all as well.
func TestLastHolderOfARightStays(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("JJONES", countersign.RightUsers, countersign.RightMessages)
		carla := admin.NewUser{Login: "CBILLS", Name: "Carla Bills", Email: "cbills@demo.example", Rights: countersign.AgencyRights}
		if _, err := h.Admin.AddUser(t.Context(), h.Visit(), Operator, carla); err != nil {
			t.Fatal(err)
		}
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		edit := func(c admin.Change) string {
			c.Version = admin.AnyVersion
			_, err := h.Admin.EditUser(t.Context(), h.Visit(), Operator, "ADMIN", c)
			return countersign.CodeOf(err)
		}
		off := true
		for what, c := range map[string]admin.Change{
			"disabled":                        {Disabled: &off},
			"stripped of all":                 {RemoveRights: countersign.AgencyRights},
			"stripped of User Administration": {RemoveRights: []countersign.Right{countersign.RightUsers}},
			"stripped of what JJONES lacks":   {RemoveRights: []countersign.Right{countersign.RightAudit}},
		} {
			if got := edit(c); got != policy.LastAdministrator {
				t.Errorf("%s: %q", what, got)
			}
		}
		if _, err := h.Admin.RemoveUser(t.Context(), h.Visit(), Operator, "ADMIN", "a test"); countersign.CodeOf(err) != policy.LastAdministrator {
			t.Errorf("removed: %v", err)
		}
		b.Get("/profile/reset-two-factor")
		wantAt(t, b.Post("/profile/reset-two-factor", "password", Password), 403, "/profile/reset-two-factor",
			"ADMIN is the last administrator who holds all these rights", "That user counts once a password is chosen.")

		// Rights that JJONES can give back may be removed; all of them once CBILLS has a password.
		if got := edit(admin.Change{RemoveRights: []countersign.Right{countersign.RightMessages}}); got != "" {
			t.Errorf("stripped of what JJONES holds: %q", got)
		}
		n := h.Browser("192.0.2.20", Chrome)
		path := link(t, h, "cbills@demo.example", "/welcome?link=")
		n.Get(path)
		wantAt(t, n.Post("/welcome", "link", strings.TrimPrefix(path, "/welcome?link="), "new_password", another), 200, "/sign-in", "Your password is saved")
		if got := edit(admin.Change{Disabled: &off}); got != "" {
			t.Errorf("disabled beside another: %q", got)
		}
	})
}
