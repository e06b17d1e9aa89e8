package apptest_test

import (
	"testing"
	"time"

	"countersign"
	"countersign/internal/apptest"
	"countersign/internal/outbox"
)

// A token that the mail server did not accept in time is never called sent, not even in the moment
// before the page calls it expired.
func TestTokenThatWasNotSentInTime(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "BSMITH")
		b.Post("/sign-out")
		h.Pass(8 * apptest.Day)
		b.SignIn("BSMITH")
		h.Outbox.Mail = server(func(outbox.Outgoing) error {
			return &outbox.Refusal{Server: "mail.acme.example", Answer: "it can't be reached"}
		})
		h.Mail("")
		h.Pass(2 * time.Minute)
		h.Mail("") // it is dropped
		h.Pass(-time.Millisecond)
		if p := b.Get("/sign-in/token"); !p.Says("The token could not be delivered", "The mail server did not take the mail in time", "Send the mail again") || p.Says("was sent to") {
			t.Errorf("just before its death: %s", p.Text())
		}
		h.Pass(time.Second)
		if p := b.Get("/sign-in/token"); p.Says("was sent to") {
			t.Errorf("after its death: %s", p.Text())
		}
		h.Outbox.Mail = h.Inbox
		admin := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		if p := admin.Get("/admin/messages"); !p.Says("1 not sent in time") {
			t.Errorf("administrators are not told: %s", p.Text())
		}
		if p := admin.Get("/admin/messages?state=dropped"); !p.Says("1 to 1 of 1", "BSMITH", "Not sent in time") {
			t.Errorf("it is not found: %s", p.Text())
		}
	})
}
