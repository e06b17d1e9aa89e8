package housetest

import (
	"net/http"
	"testing"

	"countersign"
	"countersign/internal/admin"
)

// The link of the first administrator dies as soon as there is one, however he
// came to be: what stands in somebody's log for a day opens nothing.
func TestFirstAdministratorLinkDies(t *testing.T) {
	Each(t, func(t *testing.T, h *House) {
		handle, err := h.Office.FirstAdministrator(t.Context(), h.Visit())
		if err != nil {
			t.Fatal(err)
		}
		b := h.Browser("192.0.2.10", Chrome)
		wantAt(t, b.Get("/welcome?link="+string(handle)), http.StatusOK, "/welcome", "Make the first administrator")
		h.Administrator()
		wantAt(t, b.Post("/welcome", "link", string(handle), "user_id", "INTRUDER", "name", "Ina Truder", "email", "i@demo.example", "new_password", "quiet river under seven bridges"),
			http.StatusGone, "/welcome", "This link no longer works")
		wantAt(t, b.Get("/welcome?link="+string(handle)), http.StatusGone, "/welcome", "This link no longer works")
		if again, err := h.Office.FirstAdministrator(t.Context(), h.Visit()); err != nil || again != "" {
			t.Errorf("another link was made: %q %v", again, err)
		}
	})
}

// Everything that is wrong is told at once, each beside its field, and what was
// typed is kept.
func TestFirstAdministratorRefused(t *testing.T) {
	Each(t, func(t *testing.T, h *House) {
		handle, err := h.Office.FirstAdministrator(t.Context(), h.Visit())
		if err != nil {
			t.Fatal(err)
		}
		b := h.Browser("192.0.2.10", Chrome)
		b.Get("/welcome?link=" + string(handle))
		p := b.Post("/welcome", "link", string(handle), "user_id", "B SMITH", "name", "", "email", "bob@", "new_password", "short")
		wantAt(t, p, http.StatusUnprocessableEntity, "/welcome", "A user ID has 1 to 64 letters", "Enter a name", "The part after @ is missing", "This password has 5 characters")
		if p.Value("user_id") != "B SMITH" || p.Value("email") != "bob@" {
			t.Error("what was typed is lost")
		}
		wantAt(t, b.Post("/welcome", "link", string(handle), "user_id", "ADMIN", "name", "Ann Admin", "email", "ann@demo.example", "new_password", "quiet river under seven bridges"),
			http.StatusOK, "/sign-in")
	})
}

// Nobody disables himself by mistake.
func TestNobodyDisablesHimself(t *testing.T) {
	Each(t, func(t *testing.T, h *House) {
		h.User("CBILLS", countersign.AgencyRights...)
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		b.Get("/admin/users/ADMIN")
		wantAt(t, b.Post("/admin/users/ADMIN/disable"), http.StatusForbidden, "/admin/users/ADMIN/disable", "You cannot disable yourself")
		if p := b.Get("/profile"); p.Path != "/profile" {
			t.Errorf("the session has ended: %s", p.Path)
		}
	})
}

// A list of countries names countries.
func TestCountriesForTexts(t *testing.T) {
	Each(t, func(t *testing.T, h *House) {
		save := func(value string) error {
			_, err := h.Office.SetPreference(t.Context(), h.Visit(), Operator, admin.Saving{Code: "SMSCOUNTRIES", Value: value, Version: admin.AnyVersion})
			return err
		}
		if err := save("us, ca"); err != nil {
			t.Error(err)
		}
		if err := save("US XX"); countersign.CodeOf(err) != "preference.not_countries" {
			t.Errorf("XX was taken for a country: %v", err)
		}
	})
}
