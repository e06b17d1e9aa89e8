package apptest_test

import (
	"slices"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/apptest"
)

// Pages offer no right that opens nothing. A user who holds one keeps it when their form is saved.
func TestRightsThatOpenNothingAreNotOffered(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		h.User("CBILLS", countersign.RightAudit, countersign.RightUsers)
		for _, path := range []string{"/admin/users", "/admin/users/new", "/admin/users/CBILLS/edit"} {
			p := b.Get(path)
			for _, right := range []countersign.Right{countersign.RightAudit, countersign.RightApplications} {
				if p.Has("input", "value", string(right)) || p.Has("option", "value", string(right)) {
					t.Errorf("%s offers %s", path, right)
				}
			}
			if !p.Has("input", "value", string(countersign.RightReset)) && !p.Has("option", "value", string(countersign.RightReset)) {
				t.Errorf("%s does not offer %s", path, countersign.RightReset)
			}
		}
		p := b.Get("/admin/users/CBILLS/edit")
		p = b.Post("/admin/users/CBILLS/edit", "version", p.Value("version"), "name", "Carol Bills", "email", "cbills@demo.example", "right", string(countersign.RightMessages))
		if p.Status != 200 || p.Path != "/admin/users/CBILLS" {
			t.Fatalf("saved: %d %s %s", p.Status, p.Path, p.Text())
		}
		view, err := h.Admin.User(t.Context(), h.Visit(), apptest.Operator, "CBILLS")
		if want := []countersign.Right{countersign.RightAudit, countersign.RightMessages}; err != nil || !slices.Equal(view.User.Rights, want) {
			t.Errorf("kept: %v %v", view.User.Rights, err)
		}
	})
}

// Pages count and name the rights that they offer, and Operator. A right that opens nothing yet is
// neither counted nor named.
func TestPagesCountTheRightsThatTheyShow(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		h.User("CBILLS", countersign.RightAudit, countersign.RightUsers)
		h.User("JJONES", countersign.RightAudit)
		p := b.Get("/admin/users")
		if !p.Says("Ann Admin ADMIN 4 rights ADMIN", "Carol Bills CBILLS 1 right CBILLS", "Jim Jones JJONES JJONES") {
			t.Errorf("the list: %s", p.Text())
		}
		version := b.Get("/admin/users/CBILLS/edit").Value("version")
		name := "Caroline Bills"
		if _, err := h.Admin.EditUser(t.Context(), h.Visit(), apptest.Operator, "CBILLS", admin.Change{Version: admin.AnyVersion, Name: &name}); err != nil {
			t.Fatal(err)
		}
		conflict := b.Post("/admin/users/CBILLS/edit", "version", version, "name", "Carol Bills", "email", "cbills@demo.example", "right", string(countersign.RightMessages))
		if conflict.Status != 409 || !conflict.Says("Rights Admin-User Administration Admin-Messages") {
			t.Errorf("the conflict: %d %s", conflict.Status, conflict.Text())
		}
		for _, p := range []*apptest.Page{b.Get("/admin/users/ADMIN"), b.Get("/admin/users/CBILLS"), b.Get("/admin/users/JJONES"), conflict} {
			for _, hidden := range []countersign.Right{countersign.RightAudit, countersign.RightApplications} {
				if strings.Contains(p.Text(), string(hidden)) {
					t.Errorf("%s names %s", p.Path, hidden)
				}
			}
		}
		if p := b.Get("/admin/users/JJONES"); !p.Says("Rights None") {
			t.Errorf("no right that opens something: %s", p.Text())
		}
	})
}
