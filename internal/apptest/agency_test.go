package apptest_test

import (
	"strings"
	"testing"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/apptest"
)

// agency returns the agency as stored.
func agency(h *apptest.App) countersign.Agency {
	h.T.Helper()
	a, err := h.DB.Agency(h.T.Context(), h.Agency.ID)
	if err != nil {
		h.T.Fatal(err)
	}
	return a
}

const chosen = "quiet river under seven bridges"

// The first administrator names the agency, the product and the time zone, and all take effect at
// once. Invalid values are refused beside their field, and nothing is saved.
func TestTheFirstAdministratorNamesTheAgency(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		handle, err := h.Admin.FirstAdministrator(t.Context(), h.Visit())
		if err != nil {
			t.Fatal(err)
		}
		b := h.Browser("192.0.2.10", apptest.Chrome)
		p := b.Get("/welcome?link=" + string(handle))
		if p.Value("agency_name") != "Demo Agency" || !strings.Contains(p.Body, "data-propose-zone") || !p.Says("Times are in UTC.") {
			t.Errorf("the page: %q %s", p.Value("agency_name"), p.Text())
		}
		fields := []string{"link", string(handle), "user_id", "ANN", "name", "Ann Admin", "email", "ann@acme.example", "new_password", chosen}
		p = b.Post("/welcome", append(fields, "agency_name", " ", "product", strings.Repeat("x", 300), "time_zone", "Mars/Olympus")...)
		if p.Status != 422 || !p.Says("Enter the agency's name", "Mars/Olympus is not a time zone", "Please correct these 3 things") || p.Value("user_id") != "ANN" {
			t.Fatalf("refused: %d %s", p.Status, p.Text())
		}
		if strings.Contains(p.Body, "data-propose-zone") {
			t.Error("a script would take away what was typed")
		}
		if a := agency(h); a.Name != "Demo Agency" {
			t.Fatalf("a refused form was kept: %+v", a)
		}
		p = b.Post("/welcome", append(fields, "agency_name", "Acme Insurance", "product", "Acme Desk", "time_zone", "America/New_York")...)
		if p.Path != "/sign-in" || !p.Says("Acme Insurance") {
			t.Fatalf("accepted: %d %s %s", p.Status, p.Path, p.Text())
		}
		if a := agency(h); a.Name != "Acme Insurance" || a.Product != "Acme Desk" || a.Zone != "America/New_York" {
			t.Errorf("kept: %+v", a)
		}
		if !strings.Contains(strings.Join(h.Events("ANN"), " "), "agency.changed ok") {
			t.Errorf("no audit row: %q", h.Events("ANN"))
		}
		b.SignInWith("ANN", chosen)
		p = b.Post("/set-up/email", "email", "ann@acme.example")
		h.Mail("")
		if p = b.Get("/set-up/email"); !p.Says("9:00:00 AM", "Times are in New York time (EST).") {
			t.Errorf("times: %s", p.Text())
		}
	})
}

// The first administrator can keep UTC, which counts as a choice.
func TestTheFirstAdministratorMayChooseUTC(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		handle, err := h.Admin.FirstAdministrator(t.Context(), h.Visit())
		if err != nil {
			t.Fatal(err)
		}
		b := h.Browser("192.0.2.10", apptest.Chrome)
		if p := b.Get("/welcome?link=" + string(handle)); !p.Has("option", "value", "UTC") || p.Has("option", "value", "") {
			t.Errorf("UTC is not a choice of its own: %s", p.Body)
		}
		b.Post("/welcome", "link", string(handle), "user_id", "ANN", "name", "Ann Admin", "email", "ann@acme.example", "new_password", chosen,
			"agency_name", "Acme Insurance", "product", "Acme Desk", "time_zone", "UTC")
		if a := agency(h); a.Zone != "UTC" || a.ZoneName() != "UTC" {
			t.Errorf("kept: %+v", a)
		}
	})
}

// The previous form of the first administrator still works: fields that are not sent do not change.
func TestTheFirstAdministratorMayLeaveTheAgency(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		handle, err := h.Admin.FirstAdministrator(t.Context(), h.Visit())
		if err != nil {
			t.Fatal(err)
		}
		b := h.Browser("192.0.2.10", apptest.Chrome)
		b.Get("/welcome?link=" + string(handle))
		b.Post("/welcome", "link", string(handle), "user_id", "ANN", "name", "Ann Admin", "email", "ann@acme.example", "new_password", chosen)
		if a := agency(h); a.Name != "Demo Agency" || a.Product != "Agency Integrator" || a.Zone != "" {
			t.Errorf("kept: %+v", a)
		}
	})
}

// EditAgency changes the given fields only, with an audit row that holds the old and new values.
func TestEditAgency(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		text := func(s string) *string { return &s }
		edit := func(c admin.AgencyChange) error {
			_, err := h.Admin.EditAgency(t.Context(), h.Now(), h.Agency.ID, c, "localhost")
			return err
		}
		if err := edit(admin.AgencyChange{Zone: text("America/Chicago"), Hosts: &[]string{"Login.Acme.example.", "login.acme.example", "other.acme.example"}}); err != nil {
			t.Fatal(err)
		}
		a := agency(h)
		if a.Zone != "America/Chicago" || strings.Join(a.Hosts, " ") != "login.acme.example other.acme.example" || a.Name != "Demo Agency" || a.Product != "Agency Integrator" {
			t.Errorf("kept: %+v", a)
		}
		for _, bad := range []admin.AgencyChange{
			{Name: text("")}, {Zone: text("Local")}, {Zone: text("../etc/passwd")}, {From: text("no address")}, {Hosts: &[]string{"https://acme.example/"}},
			{Hosts: &[]string{apptest.DecoyHost}}, {Product: text(strings.Repeat("x", 300))},
		} {
			if err := edit(bad); err == nil || countersign.CodeOf(err) == "" {
				t.Errorf("%+v was taken: %v", bad, err)
			}
		}
		if again := agency(h); strings.Join(again.Hosts, " ") != strings.Join(a.Hosts, " ") || again.Zone != a.Zone {
			t.Errorf("a refused change was kept: %+v", again)
		}
		if err := edit(admin.AgencyChange{Hosts: &[]string{""}, Product: text(""), Zone: text("")}); err != nil {
			t.Fatal(err)
		}
		if a := agency(h); len(a.Hosts) != 0 || a.ProductName() != "Demo Agency" || a.ZoneName() != "UTC" {
			t.Errorf("taken back: %+v", a)
		}
		if n := strings.Count(strings.Join(h.Events("DEMO"), " "), "agency.changed ok"); n != 2 {
			t.Errorf("%d audit rows: %q", n, h.Events("DEMO"))
		}
	})
}
