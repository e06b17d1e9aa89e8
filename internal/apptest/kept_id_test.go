package apptest_test

import (
	"strings"
	"testing"

	"countersign/internal/admin"
	"countersign/internal/apptest"
)

// wrongThree enters three wrong tokens and returns the page they lead to.
func wrongThree(b *apptest.Browser, at string) (p *apptest.Page) {
	for _, token := range []string{"000000", "000001", "000002"} {
		p = b.Post(at, "token", token)
	}
	return p
}

// The user ID need not be typed again after the third failure, after the first password was chosen,
// and after a new one was: the sign-in form holds it, and no other text that a URL may contain.
func TestTheUserIDIsKept(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", apptest.Chrome)
		b.EnrollApp("BSMITH", "app")
		b.SignOut()
		b.Forget()
		b.SignIn("bsmith")
		p := wrongThree(b, "/sign-in/token")
		if p.Path != "/sign-in" || p.Value("user_id") != "BSMITH" || !p.Says("After three failed attempts you need to log in again") {
			t.Errorf("the third failure: %s %q %s", p.Path, p.Value("user_id"), p.Text())
		}
		u := admin.NewUser{Login: "CBILLS", Name: "Carol Bills", Email: "cbills@demo.example"}
		if _, err := h.Admin.AddUser(t.Context(), h.Visit(), apptest.Operator, u); err != nil {
			t.Fatal(err)
		}
		handle := handleIn(t, h, "/welcome?link=")
		c := h.Browser("192.0.2.11", apptest.Chrome)
		c.Get("/welcome?link=" + handle)
		if p = c.Post("/welcome", "link", handle, "user_id", "CBILLS", "new_password", chosen); p.Path != "/sign-in" || p.Value("user_id") != "CBILLS" {
			t.Errorf("the first password: %s %q", p.Path, p.Value("user_id"))
		}
		c.Get("/password/forgot")
		c.Post("/password/forgot", "user_id", "CBILLS")
		handle = handleIn(t, h, "/password/reset?key=")
		p = c.Get("/password/reset?key=" + handle)
		if p = c.Post("/password/reset", "key", handle, "user_id", p.Value("user_id"), "new_password", chosen+" again"); p.Path != "/sign-in" || p.Value("user_id") != "CBILLS" {
			t.Errorf("a new password: %s %q %s", p.Path, p.Value("user_id"), p.Text())
		}
		if p = c.Get("/sign-in?user_id=%22%3E%3Cb%3Ecall+614-555-0100"); p.Value("user_id") != "" || strings.Contains(p.Body, "614") {
			t.Errorf("any text is taken for a user ID: %q", p.Value("user_id"))
		}
	})
}

// handleIn returns the handle of the newest link of a kind to CBILLS.
func handleIn(t *testing.T, h *apptest.App, path string) string {
	t.Helper()
	for _, m := range h.Mail("cbills@demo.example") {
		if _, rest, ok := strings.Cut(m.Text, path); ok {
			return strings.Fields(rest)[0]
		}
	}
	t.Fatalf("no link %s", path)
	return ""
}

// In a new agency the first page of administration lists what to do before 2FA is turned on, with
// what is done. Afterwards the list is gone.
func TestFirstSteps(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		h.Administrator()
		h.Tamper(`DELETE FROM preference WHERE agency_id = $1 AND code = '2FA'`, string(h.Agency.ID))
		b := h.Browser("192.0.2.10", apptest.Chrome)
		b.SignIn("ADMIN")
		h.Admin.Mail = admin.MailNone
		p := b.Get("/admin")
		if !p.Says("First steps", "To do Connect mail. Start the server with --smtp-url", "Done Name the agency.", "To do Choose the time zone.", "To do Invite users. Add a user") {
			t.Errorf("a new agency: %s", p.Text())
		}
		h.Admin.Mail = admin.MailServer
		if p := b.Get("/admin"); !p.Says("To do Connect mail. Send a test mail") {
			t.Errorf("no mail yet: %s", p.Text())
		}
		h.Mail("") // skip the notice about the first sign-in
		h.User("BSMITH")
		zone := "America/New_York"
		if _, err := h.Admin.EditAgency(t.Context(), h.Now(), h.Agency.ID, admin.AgencyChange{Zone: &zone}, ""); err != nil {
			t.Fatal(err)
		}
		if p := b.Get("/admin"); !p.Says("Done Connect mail.", "Done Choose the time zone.", "Done Invite users.", "To do Turn on two factor authentication") {
			t.Errorf("all done: %s", p.Text())
		}
		for _, utc := range []string{"UTC", "", "Etc/UTC"} {
			h.Tamper(`UPDATE agency SET zone = '' WHERE id = $1`, string(h.Agency.ID))
			if p := b.Get("/admin"); !p.Says("To do Choose the time zone.", "--time-zone UTC to stay with UTC") {
				t.Errorf("no password was chosen: %s", p.Text())
			}
			if _, err := h.Admin.EditAgency(t.Context(), h.Now(), h.Agency.ID, admin.AgencyChange{Zone: &utc}, ""); err != nil {
				t.Fatal(err)
			}
			if p := b.Get("/admin"); !p.Says("Done Choose the time zone.") {
				t.Errorf("%q was chosen: %s", utc, p.Text())
			}
		}
		h.Set("2FA", "On")
		if p := b.Get("/admin"); p.Says("First steps") {
			t.Error("the list stays")
		}
	})
}
