package apptest

import (
	"errors"
	"net/http"
	"testing"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/store"
)

// The link of the first administrator ends as soon as there is one, however they were added: a link
// that is in a log for a day opens nothing.
func TestFirstAdministratorLinkDies(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		handle, err := h.Admin.FirstAdministrator(t.Context(), h.Visit())
		if err != nil {
			t.Fatal(err)
		}
		b := h.Browser("192.0.2.10", Chrome)
		wantAt(t, b.Get("/welcome?link="+string(handle)), http.StatusOK, "/welcome", "Make the first administrator")
		h.Administrator()
		wantAt(t, b.Post("/welcome", "link", string(handle), "user_id", "INTRUDER", "name", "Ina Truder", "email", "i@demo.example", "new_password", "quiet river under seven bridges"),
			http.StatusGone, "/welcome", "This link no longer works")
		wantAt(t, b.Get("/welcome?link="+string(handle)), http.StatusGone, "/welcome", "This link no longer works")
		if again, err := h.Admin.FirstAdministrator(t.Context(), h.Visit()); err != nil || again != "" {
			t.Errorf("another link was made: %q %v", again, err)
		}
	})
}

// All errors are shown at once, each beside its field, and what was typed is kept.
func TestFirstAdministratorRefused(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		handle, err := h.Admin.FirstAdministrator(t.Context(), h.Visit())
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
			http.StatusOK, "/sign-in", "You are the first administrator", "Sign in with the user ID and the password that you chose.")
	})
}

// Administrators can't disable themselves by mistake.
func TestNobodyDisablesHimself(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
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

// A list of countries names countries in the order in which they are offered. Without a country
// field, numbers of all listed countries are accepted, and no foreign number is read as if its
// country code were an area code.
func TestCountriesForTexts(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		save := func(value string) error {
			_, err := h.Admin.SetPreference(t.Context(), h.Visit(), Operator, admin.PreferenceChange{Code: "SMSCOUNTRIES", Value: value, Version: admin.AnyVersion})
			return err
		}
		if err := save("us, ca"); err != nil {
			t.Error(err)
		}
		if err := save("US XX"); countersign.CodeOf(err) != "preference.not_countries" {
			t.Errorf("XX was taken for a country: %v", err)
		}
		test := func(to string) (m countersign.Message, err error) {
			id, err := h.Admin.SendTest(t.Context(), h.Visit(), Operator, to)
			if err == nil {
				err = h.DB.Read(t.Context(), h.Agency.ID, func(tx *store.Tx) (err error) {
					m, err = tx.Message(t.Context(), id)
					return err
				})
			}
			return m, err
		}
		for typed, want := range map[string]string{"614-555-0112": "+16145550112", "+1 416 555 0112": "+14165550112"} {
			if m, err := test(typed); err != nil || m.To != want {
				t.Errorf("%q: a test to %q %v, want %q", typed, m.To, err, want)
			}
		}
		for typed, want := range map[string]string{"+47 926 43 210": "phone.region", "614-555-011": "phone.length"} {
			_, err := test(typed)
			if got := (*countersign.Error)(nil); !errors.As(err, &got) || got.Code != want || got.Field != "to" || want == "phone.length" && got.Args["Digits"] != 9 {
				t.Errorf("%q: %v, want %s", typed, err, want)
			}
		}
	})
}
