package apptest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/outbox"
)

// subjectMailed reports whether a message to an address has a subject with this text.
func subjectMailed(h *App, to, subject string) bool {
	return slices.ContainsFunc(h.Mail(to), func(m outbox.Mail) bool { return strings.Contains(m.Subject, subject) })
}

// NT-01: the user's own new address is verified by a token sent to it. The old one gets a notice,
// devices are forgotten, sessions continue, and tokens move only if the user has said so.
func TestOwnEmail(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		p := b.Get("/profile")
		if !slices.Contains(p.Links(), "/profile/email") || !slices.Contains(p.Links(), "/profile/phone") {
			t.Fatalf("the profile does not lead there: %q", p.Links())
		}
		wantAt(t, b.Get("/profile/email"), 200, "/profile/email", "Now: bsmith@demo.example", "tokens keep going to bsmith@demo.example")
		for typed, sentence := range map[string]string{"": "Enter your email address", "bob": "The part after @ is missing", "bob@": "The part after @ is missing",
			"bob@x": "This is not a whole email address", "bsmith@DEMO.example": "is your address already"} {
			p := b.Post("/profile/email", "email", typed)
			wantAt(t, p, 422, "/profile/email", sentence)
			if p.Value("email") != typed || !strings.HasPrefix(p.Title(), "Error: ") {
				t.Errorf("%q: field %q, title %q", typed, p.Value("email"), p.Title())
			}
		}
		wantAt(t, b.Post("/profile/email", "email", "bob@new.example"), 200, "/profile/email", "bob@new.example", "reference", "Six-digit token")
		if b.Get("/profile").Says("bob@new.example") {
			t.Fatal("saved before it was proved")
		}
		b.Get("/profile/email")
		wantAt(t, b.Post("/profile/email/token", "token", "000000"), 422, "/profile/email/token", "That token is not right. You have 2 tries left.")
		token := h.Token("bob@new.example")
		wantAt(t, b.Post("/profile/email/token", "token", token), 200, "/profile", "Your email address was changed.", "bob@new.example", "bsmith@demo.example. Set up")
		for _, to := range []string{"bsmith@demo.example", "bob@new.example"} {
			if !subjectMailed(h, to, "The email address of BSMITH for Agency Integrator was changed") {
				t.Errorf("%s was not told: %q", to, h.Subjects(to))
			}
		}
		b.SignOut()
		wantToken(t, b.SignIn("BSMITH")) // the device is forgotten
		wantIn(t, b.Post("/sign-in/token", "token", h.Token("bsmith@demo.example")), "BSMITH")

		b.Get("/profile/email") // now the tokens move too
		b.Post("/profile/email", "email", "bob@third.example", "also_two_factor", "yes")
		p = b.Post("/profile/email/token", "token", h.Token("bob@third.example"))
		wantAt(t, p, 200, "/profile", "bob@third.example. Set up")
		if !subjectMailed(h, "bsmith@demo.example", "Tokens for") && !subjectMailed(h, "bsmith@demo.example", "two factor") {
			t.Errorf("the address that tokens went to was not told: %q", h.Subjects("bsmith@demo.example"))
		}
		b.SignOut()
		wantToken(t, b.SignIn("BSMITH"))
		wantIn(t, b.Post("/sign-in/token", "token", h.Token("bob@third.example")), "BSMITH")
		if !slices.Contains(h.Events("BSMITH"), "profile.email_changed ok") {
			t.Error("no row in the audit log")
		}
	})
}

// An address of another user is refused without saying whose it is, and so is one that was taken
// while its token was on its way.
func TestOwnEmailTaken(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("CBILLS")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		b.Get("/profile/email")
		p := b.Post("/profile/email", "email", "cbills@demo.example")
		wantAt(t, p, 422, "/profile/email", "cbills@demo.example is in use by another user ID.")
		if p.Says("CBILLS") || p.Value("email") != "cbills@demo.example" {
			t.Errorf("the page says whose it is, or lost it: %s", p.Text())
		}
		b.Post("/profile/email", "email", "desk@demo.example")
		desk := "desk@demo.example"
		if _, err := h.Admin.EditUser(t.Context(), h.Visit(), Operator, "CBILLS", admin.Change{Version: admin.AnyVersion, Email: &desk}); err != nil {
			t.Fatal(err)
		}
		p = b.Post("/profile/email/token", "token", h.Token("desk@demo.example"))
		wantAt(t, p, 422, "/profile/email/token", "desk@demo.example is in use by another user ID.")
		if !b.Get("/profile").Says("bsmith@demo.example") {
			t.Error("the address was changed")
		}
	})
}

// The user's own new number is verified by a text message. Text messages with tokens move to it,
// and every address gets a notice.
func TestOwnPhone(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		b.Post("/set-up/email/token", "token", h.Token("bsmith@demo.example"))
		b.Get("/set-up/sms")
		b.Post("/set-up/sms", "phone", "6145550112")
		b.Post("/set-up/sms/token", "token", h.Token("+16145550112"))
		b.Post("/set-up/skip")
		b.Post("/set-up/default", "default", "sms")
		wantAt(t, b.Get("/profile/phone"), 200, "/profile/phone", "Now: none", "Tokens by SMS go to the new number from then on.")
		wantAt(t, b.Post("/profile/phone", "phone", "614555011"), 422, "/profile/phone", "That number has 9 digits.")
		wantAt(t, b.Post("/profile/phone", "phone", "614-555-0119"), 200, "/profile/phone", "614-555-0119", "Six-digit token")
		messages := len(h.Mail("+16145550119"))
		b.Post("/profile/phone", "phone", "6145550119") // the tenth digit and the button at once (SM-02)
		if n := len(h.Mail("+16145550119")); n != messages {
			t.Errorf("%d messages instead of %d", n, messages)
		}
		right := h.Token("+16145550119")
		half := h.Browser("192.0.2.20", Chrome)
		wantToken(t, half.SignIn("BSMITH"))
		pending := h.Token("+16145550112")
		wantAt(t, b.Post("/profile/phone/token", "token", right), 200, "/profile", "Your mobile phone was changed.", "614-555-0119")
		if p := half.Post("/sign-in/token", "token", pending); p.Path != "/sign-in" { // what was in progress has ended
			t.Errorf("a token to the old number: %d %s", p.Status, p.Text())
		}
		if !subjectMailed(h, "bsmith@demo.example", "The mobile phone of BSMITH for Agency Integrator was changed") {
			t.Errorf("no notice was sent: %q", h.Subjects("bsmith@demo.example"))
		}
		b.SignOut()
		wantAt(t, b.SignIn("BSMITH"), 200, "/sign-in/token", "the number ending 19")
		wantIn(t, b.Post("/sign-in/token", "token", h.Token("+16145550119")), "BSMITH")
		wantAt(t, b.Get("/profile/phone"), 200, "/profile/phone", "Now: 614-555-0119")
		wantAt(t, b.Post("/profile/phone", "phone", "6145550119"), 422, "/profile/phone", "That is your number already.")

		h.Authn.Methods = h.Authn.Methods[:2] // no text gateway any more: no page leads to what can't be verified
		if p := b.Get("/profile"); slices.Contains(p.Links(), "/profile/phone") {
			t.Error("the profile leads to a page that does not work")
		}
		if p := b.Do("GET", "/profile/phone", nil); p.Status != 404 {
			t.Errorf("without a text route: %d", p.Status)
		}
	})
}

// SE-06: the step-up comes before the change of address and after its validation. The token of the
// new address has three tries, works for its session only, and never for a session whose proof is
// too old.
func TestOwnEmailIsProved(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		h.Set("TOKENMINUTES", "10")
		h.Pass(50 * time.Minute)
		thief := h.again(b, "BSMITH")
		thief.Get("/profile/email")
		wantAt(t, thief.Post("/profile/email", "email", "thief@"), 422, "/profile/email", "The part after @ is missing")
		wantAt(t, thief.Post("/profile/email", "email", "thief@new.example"), 200, "/step-up", "You are about to change your email address")
		if n := len(h.Mail("thief@new.example")); n != 0 {
			t.Fatalf("%d messages before the step-up", n)
		}
		b.Get("/profile/email")
		h.Pass(time.Minute)
		b.Post("/profile/email", "email", "bob@new.example", "also_two_factor", "yes")
		wantAt(t, b.Confirm("bsmith@demo.example"), 200, "/profile/email", "bob@new.example", "Six-digit token") // it continued by itself
		token := h.Token("bob@new.example")
		thief.Get("/profile")
		if p := thief.Post("/profile/email/token", "token", token); p.Path != "/step-up" {
			t.Errorf("another session: %d %s", p.Status, p.Text())
		}
		h.Mail("") // skip what the thief's step-up sent
		h.Pass(6 * time.Minute)
		b.Get("/profile/email")
		wantAt(t, b.Post("/profile/email/token", "token", token), 200, "/step-up")
		wantAt(t, b.Confirm("bsmith@demo.example"), 200, "/profile", "Your email address was changed.", "bob@new.example. Set up")

		b.Get("/profile/email")
		b.Post("/profile/email", "email", "bob@fourth.example")
		token = h.Token("bob@fourth.example")
		for range 2 {
			b.Post("/profile/email/token", "token", "000000")
		}
		p := b.Post("/profile/email/token", "token", "000000")
		wantAt(t, p, 410, "/profile/email/token", "Three tokens were wrong, so this change was closed")
		b.Get("/profile/email")
		if p := b.Post("/profile/email/token", "token", token); p.Status == 200 && p.Path == "/profile" && p.Says("was changed") {
			t.Error("the right token after the third failure")
		}
		wantAt(t, b.Get("/profile"), 200, "/profile", "bob@new.example")
	})
}

// RS-06, ER-05: an administrator's change of an address is mailed to the old one, the new one and
// every administrator, and is audited. So is the own change of a user who is not set up yet.
func TestEmailChangedIsTold(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("JJONES", countersign.RightAudit)
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		version := b.Get("/admin/users/BSMITH/edit").Value("version")
		p := b.Post("/admin/users/BSMITH/edit", "name", "Bob Smith", "email", "bob@new.example", "version", version, "reason", "he married")
		wantAt(t, p, 200, "/admin/users/BSMITH", "The changes were saved.", "bob@new.example")
		for _, to := range []string{"bsmith@demo.example", "bob@new.example", "admin@demo.example", "jjones@demo.example"} {
			found := slices.ContainsFunc(h.Mail(to), func(m outbox.Mail) bool {
				return strings.Contains(m.Subject, "The email address of BSMITH") && strings.Contains(m.Text, "bsmith@demo.example") &&
					strings.Contains(m.Text, "bob@new.example") && strings.Contains(m.Text, "Ann Admin") && strings.Contains(m.Text, "he married")
			})
			if !found {
				t.Errorf("%s was not told: %q", to, h.Subjects(to))
			}
		}
		if !slices.Contains(h.Events("BSMITH"), "user.changed ok") {
			t.Error("no row in the audit log")
		}

		h.Set("2FA", "Off")
		c := h.Browser("192.0.2.20", Chrome)
		wantIn(t, c.SignIn("BSMITH"), "BSMITH")
		c.Get("/profile/email")
		c.Post("/profile/email", "email", "bob@third.example")
		wantAt(t, c.Post("/profile/email/token", "token", h.Token("bob@third.example")), 200, "/profile", "Your email address was changed.")
		for _, to := range []string{"bob@new.example", "bob@third.example", "admin@demo.example", "jjones@demo.example"} {
			if !slices.ContainsFunc(h.Mail(to), func(m outbox.Mail) bool {
				return strings.Contains(m.Text, "bob@third.example") && strings.Contains(m.Subject, "BSMITH")
			}) {
				t.Errorf("%s was not told: %q", to, h.Subjects(to))
			}
		}
	})
}
