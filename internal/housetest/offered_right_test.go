package housetest_test

import (
	"slices"
	"testing"

	"countersign"
	"countersign/internal/housetest"
)

// Pages offer no right that opens nothing. Who holds one keeps it when the form of
// the user is saved.
func TestRightsThatOpenNothingAreNotOffered(t *testing.T) {
	housetest.Each(t, func(t *testing.T, h *housetest.House) {
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
		view, err := h.Office.User(t.Context(), h.Visit(), housetest.Operator, "CBILLS")
		if want := []countersign.Right{countersign.RightAudit, countersign.RightMessages}; err != nil || !slices.Equal(view.User.Rights, want) {
			t.Errorf("kept: %v %v", view.User.Rights, err)
		}
	})
}
