package apptest_test

import (
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/apptest"
	"countersign/internal/outbox"
)

// turnOn presses a button in the open row of 2FA.
func turnOn(b *apptest.Browser, step string) *apptest.Page {
	b.Get("/admin/system/preferences?edit=2FA")
	return b.Post("/admin/system/preferences", "code", "2FA", "value", "On", "step", step)
}

// 2FA is not turned On if no emailed token could arrive: it would lock out all users. The page says
// what is missing, and a test mail that was accepted is enough.
func TestTwoFactorNeedsAMailRoute(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		h.Administrator()
		h.Set("2FA", "Off")
		b := h.Browser("192.0.2.10", apptest.Chrome)
		b.SignIn("ADMIN")
		for _, c := range []struct {
			route admin.MailRoute
			says  string
		}{
			{admin.MailNone, "Nobody would get a token: no mail server is set up."},
			{admin.MailServer, "no mail of this agency was accepted in the last 30 days."},
			{admin.MailUnknown, "no mail of this agency was accepted in the last 30 days."},
		} {
			h.Admin.Mail = c.route
			for _, step := range []string{"effect", "save"} {
				p := turnOn(b, step)
				if p.Status != 422 || !p.Says(c.says, "Nothing was changed.") {
					t.Fatalf("route %d, %s: %d %s", c.route, step, p.Status, p.Text())
				}
				if link := strings.Contains(strings.Join(p.Links(), " "), "/admin/messages/test"); link != (c.route != admin.MailNone) {
					t.Errorf("route %d, %s: a link to the test mail: %v", c.route, step, link)
				}
			}
			_, err := h.Admin.SetPreference(t.Context(), h.Visit(), apptest.Operator, admin.PreferenceChange{Code: "2FA", Value: "On", Version: admin.AnyVersion})
			if countersign.KindOf(err) != countersign.KindInvalid {
				t.Errorf("route %d: a command turned it On: %v", c.route, err)
			}
		}
		h.Admin.Mail = admin.MailServer
		b.Get("/admin/messages/test")
		b.Post("/admin/messages/test", "to", "proof@demo.example")
		if p := turnOn(b, "save"); p.Status != 422 {
			t.Fatalf("a mail that waits is a proof: %s", p.Text())
		}
		h.Mail("")
		if p := turnOn(b, "save"); !p.Says("2FA is set to On.") {
			t.Fatalf("after the test mail: %d %s", p.Status, p.Text())
		}
		h.Set("2FA", "Off")
		h.Pass(31 * apptest.Day)
		if _, err := h.Admin.SetPreference(t.Context(), h.Visit(), apptest.Operator, admin.PreferenceChange{Code: "2FA", Value: "On", Version: admin.AnyVersion}); err == nil {
			t.Error("a proof of 31 days ago counts")
		}
	})
}

// The page before Turn on counts the users who can't set up: without an address, or with one whose
// last mail was refused. The list that it links shows them.
func TestTheEffectCountsRefusedMail(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		h.Administrator()
		for _, login := range []string{"BSMITH", "CBILLS"} {
			n := admin.NewUser{Login: login, Name: login, Email: strings.ToLower(login) + "@demo.example"}
			if _, err := h.Admin.AddUser(t.Context(), h.Visit(), apptest.Operator, n); err != nil {
				t.Fatal(err)
			}
		}
		h.AddUser(admin.NewUser{Login: "JJONES", Name: "Jim Jones"})
		h.Set("2FA", "Off")
		refused := true
		h.Outbox.Mail = server(func(l outbox.Outgoing) error {
			if refused && l.To == "cbills@demo.example" {
				return &outbox.Refusal{Server: "mail.acme.example", Answer: "550 no such user", Permanent: true}
			}
			return nil
		})
		invite := func() {
			for _, login := range []string{"BSMITH", "CBILLS"} {
				if err := h.Admin.SendActivation(t.Context(), h.Visit(), apptest.Operator, login); err != nil {
					t.Fatal(err)
				}
			}
			h.Mail("")
		}
		h.Mail("")
		b := h.Browser("192.0.2.10", apptest.Chrome)
		b.SignIn("ADMIN")
		p := turnOn(b, "effect")
		if !p.Says("1 user will not get in", "They have no email address.", "Mail to 1 user was refused", "They can't set up until their address works.") {
			t.Errorf("the effect: %d %s", p.Status, p.Text())
		}
		if p := b.Get("/admin/users?state=bounced"); !p.Says("CBILLS", "1 to 1 of 1") || p.Says("BSMITH") || p.Says("JJONES") {
			t.Errorf("the list of refused mail: %s", p.Text())
		}
		refused = false
		h.Pass(time.Minute)
		invite()
		if p := turnOn(b, "effect"); p.Says("was refused") {
			t.Errorf("the address works again: %s", p.Text())
		}
	})
}
