package apptest_test

import (
	"strings"
	"testing"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/apptest"
)

// An invalid address gets a sentence beside the field, keeps what was typed, and changes nothing;
// the same in set-up, in the profile and by an administrator.
func TestAddressesThatAreRefused(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		h.User("BSMITH")
		half := h.Browser("192.0.2.11", apptest.Chrome)
		half.SignIn("BSMITH")
		for typed, says := range map[string]string{
			"":                             "Enter an email address",
			"bsmith":                       "The part after @ is missing",
			"b@demo.example\r\nBcc: x@y.z": "This is not a whole email address",
			"b@demo.example\nb":            "This is not a whole email address",
			"b@demo.example\u2028b":        "This is not a whole email address",
			`"b s"@demo.example`:           "An address with quotation marks before @ is not taken here",
			`"bsmith"@demo.example`:        "An address with quotation marks before @ is not taken here",
			"bö@demo.example":              "Before @ an address has letters from a to z",
			"b@demo..example":              "This is not a whole email address",
			"b@[192.0.2.1]":                "This is not a whole email address",
			"b@xn--a.example":              "This is not a whole email address",
			"Bob <b@demo.example>":         "This is not a whole email address",
		} {
			for page, p := range map[string]*apptest.Page{
				"set-up":  half.Post("/set-up/email", "email", typed),
				"profile": posted(b, "/profile/email", "email", typed),
				"a test":  posted(b, "/admin/messages/test", "to", typed),
			} {
				words := says
				switch {
				case typed == "" && page != "a test":
					words = "Enter your email address"
				case typed == "bsmith" && page == "a test":
					words = "Enter an email address, or a mobile number"
				}
				if p.Status != 422 || !p.Says(words) {
					t.Errorf("%s, %q: %d, want %q: %s", page, typed, p.Status, words, p.Text())
				}
				field := map[bool]string{true: "to", false: "email"}[page == "a test"]
				if kept := p.Value(field); kept != typed && typed != "" && !strings.ContainsAny(typed, "\r\n") {
					t.Errorf("%s, %q: the field holds %q", page, typed, kept)
				}
			}
		}
		if mails := h.Mail("bsmith@demo.example"); len(mails) != 0 {
			t.Errorf("%d mails were sent", len(mails))
		}
	})
}

func posted(b *apptest.Browser, path string, fields ...string) *apptest.Page {
	b.Get(path)
	return b.Post(path, fields...)
}

// The same for mobile numbers: extensions, letters, other scripts.
func TestNumbersThatAreTyped(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", apptest.Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		b.Post("/set-up/email/token", "token", h.Token("bsmith@demo.example"))
		for typed, says := range map[string]string{
			"+1 614 555 0112 ext 5":      "Leave out the extension",
			"614-555-0112 x5":            "Leave out the extension",
			"614-555-CALL":               "A phone number has digits only",
			"шесть":                      "A phone number has digits only",
			"614555":                     "That number has 6 digits",
			"9005550112":                 "Text messages cannot be sent to that number",
			"6145550112\r\nX: y":         "A phone number has digits only",
			strings.Repeat("6", 100):     "A phone number has digits only",
			"6145550112; DROP TABLE":     "A phone number has digits only",
			"\u202e2110555416":           "A phone number has digits only",
			"+44 20 7946 0000":           "digits",
			"<script>alert(1)</script>1": "A phone number has digits only",
		} {
			if p := posted(b, "/set-up/sms", "phone", typed); p.Status != 422 || !p.Says(says) {
				t.Errorf("%q: %d, want %q: %s", typed, p.Status, says, p.Text())
			} else if kept := p.Value("phone"); kept != typed && !strings.ContainsAny(typed, "\r\n") {
				t.Errorf("%q: the field holds %q", typed, kept)
			}
		}
		if texts := h.Mail("+16145550112"); len(texts) != 0 {
			t.Errorf("%d texts were sent", len(texts))
		}
		if p := posted(b, "/set-up/sms", "phone", "٦١٤-٥٥٥-٠١١٢"); p.Status != 200 || len(h.Mail("+16145550112")) != 1 {
			t.Errorf("Arabic digits: %d %s", p.Status, p.Text())
		}
	})
}

// An international domain is stored as punycode, mail goes there, and people see it in Unicode, on
// pages and in mails.
func TestAddressesAreShownAsPeopleWriteThem(t *testing.T) {
	const kept, shown = "bob@xn--bcher-kva.example", "bob@bücher.example"
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		admins := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		h.AddUser(admin.NewUser{Login: "BSMITH", Name: "Bob Smith", Email: shown})
		b := h.Browser("192.0.2.11", apptest.Chrome)
		if p := b.SignIn("BSMITH"); p.Value("email") != shown {
			t.Errorf("the form begins with %q", p.Value("email"))
		}
		if p := b.Post("/set-up/email", "email", shown); !p.Says("A token is on its way to " + shown) {
			t.Errorf("the token page: %s", p.Text())
		}
		b.Post("/set-up/email/token", "token", h.Token(kept))
		b.Post("/set-up/skip")
		for name, p := range map[string]*apptest.Page{"profile": b.Get("/profile"), "user": admins.Get("/admin/users/BSMITH"), "list": admins.Get("/admin/users?q=" + shown),
			"messages": admins.Get("/admin/messages?q=" + shown)} {
			if !p.Says("@bücher.example") || strings.Contains(p.Body, "xn--") {
				t.Errorf("%s: %s", name, p.Text())
			}
		}
		h.AddUser(admin.NewUser{Login: "JJONES", Name: "Jim Jones", Email: "jim@xn--ce-6kc.example"}) // a Cyrillic а before ce
		if p := admins.Get("/admin/users/JJONES"); !p.Says("jim@xn--ce-6kc.example") {
			t.Errorf("one that reads like another: %s", p.Text())
		}
		b.Get("/profile/email")
		b.Post("/profile/email", "email", "bob@straße.example")
		b.Post("/profile/email/token", "token", h.Token("bob@xn--strae-oqa.example"))
		told := false
		for _, m := range h.Mail(kept) {
			told = told || strings.Contains(m.Text, "bob@straße.example") && strings.Contains(m.Text, shown)
			if strings.Contains(m.Text, "xn--") {
				t.Errorf("a letter says:\n%s", m.Text)
			}
		}
		if !told {
			t.Error("no letter tells of the new address")
		}
	})
}
