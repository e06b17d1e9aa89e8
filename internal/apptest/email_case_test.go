package apptest_test

import (
	"fmt"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/apptest"
)

// Addresses that differ in case only are one address: no second user gets it, by page, command or
// import, and in set-up it is the one on file. It is shown and used as it is on file.
func TestAddressesCompareWithoutCase(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		h.AddUser(admin.NewUser{Login: "BSMITH", Name: "Bob Smith", Email: "Bob.Smith@demo.example"})
		add := admin.NewUser{Login: "CBILLS", Name: "Carol Bills", Email: "bob.SMITH@Demo.example", Password: apptest.Password}
		if _, err := h.Admin.AddUser(t.Context(), h.Visit(), apptest.Operator, add); countersign.CodeOf(err) != "email.taken" {
			t.Errorf("a second user with the address: %v", err)
		}
		h.User("CBILLS")
		taken := "BOB.smith@demo.example"
		if _, err := h.Admin.EditUser(t.Context(), h.Visit(), apptest.Operator, "CBILLS", admin.Change{Version: admin.AnyVersion, Email: &taken}); countersign.CodeOf(err) != "email.taken" {
			t.Errorf("edited to the address: %v", err)
		}
		done, err := h.Admin.ImportUsers(t.Context(), h.Visit(), apptest.Operator, admin.Import{
			Text: []byte("user_id,name,email\nONE,One,bob.smith@demo.example\nTWO,Two,New@demo.example\nTHREE,Three,new@demo.example\n")})
		said := fmt.Sprint(err)
		for _, p := range done.Problems {
			said += fmt.Sprint("; ", p.Line, " ", countersign.CodeOf(p.Err))
		}
		if done.Added > 0 || !strings.Contains(said, "2 email.taken") || !strings.Contains(said, "4 import.twice") {
			t.Errorf("imported: %s", said)
		}
		b := h.Browser("192.0.2.10", apptest.Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bob.smith@DEMO.example")
		if subjects := h.Subjects(""); len(subjects) != 1 || h.Mail("")[0].To != "Bob.Smith@demo.example" {
			t.Fatalf("set-up took it for another address: %q", subjects)
		}
		b.Post("/set-up/email/token", "token", h.Token(""))
		b.Post("/set-up/skip")
		b.Get("/profile/email")
		p := b.Post("/profile/email", "email", "BOB.SMITH@demo.example", "password", apptest.Password)
		if p.Status != 422 {
			t.Errorf("the same address as a new one: %d %s %s", p.Status, p.Path, p.Text())
		}
		for _, m := range h.Mail("") {
			if m.To != "Bob.Smith@demo.example" {
				t.Errorf("a letter went to %s", m.To)
			}
		}
	})
}

// A change of case only does not count as a new address: no device is forgotten, and no notice is
// sent.
func TestOtherLettersOfTheSameAddress(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", apptest.Chrome)
		b.Enroll("BSMITH")
		b.SignOut()
		letters := len(h.Mail(""))
		upper := "BSmith@demo.example"
		if _, err := h.Admin.EditUser(t.Context(), h.Visit(), apptest.Operator, "BSMITH", admin.Change{Version: admin.AnyVersion, Email: &upper}); err != nil {
			t.Fatal(err)
		}
		if p := b.SignIn("BSMITH"); p.Path != "/" {
			t.Errorf("the device is forgotten: %s", p.Path)
		}
		if n := len(h.Mail("")); n != letters {
			t.Errorf("%d letters", n-letters)
		}
		view, err := h.Admin.User(t.Context(), h.Visit(), apptest.Operator, "BSMITH")
		if err != nil || view.User.Email != upper {
			t.Errorf("kept: %q %v", view.User.Email, err)
		}
	})
}

// Users who already share an address stay as they are, and are found by it.
func TestAddressesKeptTwiceStay(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		h.User("BSMITH")
		h.User("CBILLS")
		h.Tamper(`UPDATE users SET email = 'BSMITH@demo.example' WHERE agency_id = $1 AND login = 'CBILLS'`, string(h.Agency.ID))
		name := "Carol B. Bills"
		if _, err := h.Admin.EditUser(t.Context(), h.Visit(), apptest.Operator, "CBILLS", admin.Change{Version: admin.AnyVersion, Name: &name}); err != nil {
			t.Errorf("a user with a shared address can't be edited: %v", err)
		}
		add := admin.NewUser{Login: "JJONES", Name: "Jim Jones", Email: "bsmith@demo.example", Password: apptest.Password}
		if _, err := h.Admin.AddUser(t.Context(), h.Visit(), apptest.Operator, add); countersign.CodeOf(err) != "email.taken" {
			t.Errorf("a third user: %v", err)
		}
	})
}
