package apptest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/apptest"
)

// scattered adds characters that are invisible or look like a space around and inside a text, as
// mail programs, chats and spreadsheets do.
func scattered(text string) string {
	half := len(text) / 2
	return "\ufeff\u202a" + text[:half] + "\u200b\u00ad\u2060" + text[half:] + "\u202c\u00a0"
}

// Pasted text arrives as it looks, in every field: user ID, name, address, number, group, reason,
// codes, tokens and search.
func TestPastedText(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		admins := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		admins.Get("/admin/users/new")
		p := admins.Post("/admin/users/new", "user_id", scattered("BSMITH"), "name", scattered("Bob Smith")+"Jr.", "email", scattered("bsmith@demo.example"),
			"phone", "\u202d+1\u00a0614\u2011555\u20110112\u202c", "group", scattered("Agents"))
		if p.Status != 200 {
			t.Fatalf("add: %d %s", p.Status, p.Text())
		}
		u, err := h.Admin.User(t.Context(), h.Visit(), apptest.Operator, "BSMITH")
		if err != nil || u.User.Login != "BSMITH" || u.User.Name != "Bob Smith Jr." || u.User.Email != "bsmith@demo.example" || u.User.Mobile != "+16145550112" || !slices.Equal(u.User.Groups, []string{"Agents"}) {
			t.Fatalf("kept as %+v, %v", u.User, err)
		}
		admins.Get("/admin/users/BSMITH/edit")
		if p := admins.Post("/admin/users/BSMITH/edit", "version", fmt.Sprint(u.User.Version), "name", scattered("Robert Smith"), "email", scattered("bsmith@demo.example"),
			"phone", scattered("614-555-0113"), "group", scattered("Claims")); p.Status != 200 {
			t.Errorf("edit: %d %s", p.Status, p.Text())
		}
		u, err = h.Admin.User(t.Context(), h.Visit(), apptest.Operator, "BSMITH")
		if err != nil || u.User.Name != "Robert Smith" || u.User.Mobile != "+16145550113" || !slices.Equal(u.User.Groups, []string{"Claims"}) {
			t.Errorf("after the edit: %+v, %v", u.User, err)
		}
		for _, typed := range []string{scattered("bsmith"), scattered("Robert Smith"), scattered("bsmith@demo.example")} {
			if p := admins.Get("/admin/users?q=" + strings.ReplaceAll(typed, " ", "+")); !p.Says("BSMITH") {
				t.Errorf("a search for %q finds no user: %s", typed, p.Text())
			}
		}
		h.AddUser(admin.NewUser{Login: "JJONES", Name: "Jim Jones", Email: "jjones@demo.example", Password: apptest.Password})
		b := h.Browser("192.0.2.11", apptest.Chrome)
		if p := b.SignInWith("\ufeffjjo\u200bnes\u00a0", apptest.Password); p.Path != "/set-up/email" {
			t.Fatalf("the user ID: %d %s", p.Status, p.Text())
		}
		if p := b.Post("/set-up/email", "email", scattered("jjones@demo.example")); !p.Says("to jjones@demo.example") {
			t.Errorf("the address: %s", p.Text())
		}
		if p := b.Post("/set-up/email/token", "token", scattered(h.Token("jjones@demo.example"))); p.Status != 200 {
			t.Errorf("the token: %d %s", p.Status, p.Text())
		}
	})
}

// Text that reads as something else is refused with the wrong character named, and nothing is
// changed.
func TestTextThatReadsAsAnother(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		for field, c := range map[string]struct{ typed, says string }{
			"user_id": {"\u0412SMITH", "A user ID can't contain “В” (U+0412)"},
			"name":    {"Bob\u202ehtimS", "A name has up to 100 characters on one line"},
			"email":   {"\u0430nn@demo.example", "not “а” (U+0430)"},
			"phone":   {"\u202e2110555416", "A phone number has digits only"},
			"group":   {"Agents\u009b31m", "A group's name has up to 100 characters on one line"},
		} {
			values := map[string]string{"user_id": "BSMITH", "name": "Bob Smith", "email": "bsmith@demo.example", "phone": "", "group": ""}
			values[field] = c.typed
			var fields []string
			for name, value := range values {
				fields = append(fields, name, value)
			}
			b.Get("/admin/users/new")
			if p := b.Post("/admin/users/new", fields...); p.Status != 422 || !p.Says(c.says) {
				t.Errorf("%s %q: %d, want %q: %s", field, c.typed, p.Status, c.says, p.Text())
			} else if kept := p.Value(field); kept != c.typed {
				t.Errorf("%s %q: the field holds %q", field, c.typed, kept)
			}
		}
		if _, err := h.Admin.User(t.Context(), h.Visit(), apptest.Operator, "BSMITH"); countersign.KindOf(err) != countersign.KindNotFound {
			t.Errorf("a user was added: %v", err)
		}
	})
}
