package apptest_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/apptest"
	"countersign/internal/outbox"
	"countersign/internal/policy"
)

var welcomeLink = regexp.MustCompile(`/welcome\?link=(\S+)`)

// The text of sent messages is not stored: the page leads to a new message if there is one, and
// says who can send it if its reader can't.
func TestTheWayToAnotherLetter(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		watcher := signedInAs(h, "JJONES", countersign.RightMessages)
		if _, err := h.Admin.AddUser(t.Context(), h.Visit(), apptest.Operator, admin.NewUser{Login: "BSMITH", Name: "Bob Smith", Email: "bsmith@demo.example"}); err != nil {
			t.Fatal(err)
		}
		if err := h.Admin.Invite(t.Context(), h.Visit(), apptest.Operator, "BSMITH"); err != nil {
			t.Fatal(err)
		}
		h.Mail("")
		one := func(kind string) string {
			t.Helper()
			found := messageLink.FindStringSubmatch(b.Get("/admin/messages?kind=" + kind).Body)
			if found == nil {
				t.Fatalf("no %s was sent", kind)
			}
			return found[1]
		}
		link, invitation := one("activation"), one("invitation")
		if p := watcher.Get(link); !p.Says(`Who holds the right "Admin-User Administration" sends a new link on the page of BSMITH`) || p.Says("Send a new link") {
			t.Errorf("%s", p.Text())
		}
		if p := watcher.Get(invitation); !p.Says(`Who holds the right "Admin-Disable 2 Factor Authentication" invites BSMITH again`) {
			t.Errorf("%s", p.Text())
		}
		if p := b.Get(invitation); !p.Has("a", "href", "/admin/users/BSMITH/setup-two-factor") || !p.Says("Invite BSMITH again") {
			t.Errorf("%s", p.Text())
		}
		if p := b.Get(link); !p.Says("Send a new link") || p.Says("Send it again") {
			t.Fatalf("%s", p.Text())
		}
		if p := b.Post("/admin/users/BSMITH/activation"); p.Path != "/admin/users/BSMITH" || p.Status != 200 {
			t.Errorf("%d %s", p.Status, p.Path)
		}
		var handles []string // newest first
		for _, m := range h.Mail("bsmith@demo.example") {
			if found := welcomeLink.FindStringSubmatch(m.Text); found != nil {
				handles = append(handles, found[1])
			}
		}
		if len(handles) != 2 || handles[0] == handles[1] {
			t.Fatalf("%d links were sent", len(handles))
		}
		guest := h.Browser("192.0.2.30", apptest.Chrome)
		if p := guest.Get("/welcome?link=" + handles[1]); p.Status != http.StatusGone {
			t.Errorf("the earlier link goes on working: %d", p.Status)
		}
		guest.Get("/welcome?link=" + handles[0])
		guest.Post("/welcome", "link", handles[0], "new_password", "a much longer horse battery")
		if p := b.Get(link); !p.Says("BSMITH has chosen a password, so no new link is needed.") || p.Says("Send a new link") {
			t.Errorf("with a password: %s", p.Text())
		}
	})
}

// A refused message whose link has expired since is not sent again.
func TestADeadLinkIsNotSentAgain(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		h.Outbox.Mail = server(func(l outbox.Outgoing) error {
			if l.Kind == countersign.MessageActivation {
				return &outbox.Refusal{Server: "mail.acme.example", Answer: "550 no such user", Permanent: true}
			}
			return nil
		})
		if _, err := h.Admin.AddUser(t.Context(), h.Visit(), apptest.Operator, admin.NewUser{Login: "BSMITH", Name: "Bob Smith", Email: "bsmith@demo.example"}); err != nil {
			t.Fatal(err)
		}
		h.Mail("")
		link := messageLink.FindStringSubmatch(b.Get("/admin/messages?kind=activation").Body)[1]
		if p := b.Get(link); !p.Says("Send it again") {
			t.Fatalf("%s", p.Text())
		}
		id := countersign.MessageID(strings.TrimPrefix(link, "/admin/messages/"))
		h.Pass(40 * time.Minute)
		if err := h.Admin.SendActivation(t.Context(), h.Visit(), apptest.Operator, "BSMITH"); err != nil {
			t.Fatal(err)
		}
		if row, err := h.Admin.Message(t.Context(), h.Visit(), apptest.Operator, id); err != nil || row.Resend {
			t.Errorf("a link that a newer one has replaced: %+v, %v", row, err)
		}
		h.Mail("")
		link = messageLink.FindStringSubmatch(b.Get("/admin/messages?kind=activation").Body)[1]
		id = countersign.MessageID(strings.TrimPrefix(link, "/admin/messages/"))
		if row, err := h.Admin.Message(t.Context(), h.Visit(), apptest.Operator, id); err != nil || !row.Resend {
			t.Errorf("the newer one: %+v, %v", row, err)
		}
		h.Pass(policy.LinkLife)
		if err := h.Admin.ResendMessage(t.Context(), h.Visit(), apptest.Operator, id); countersign.CodeOf(err) != "message.not_again" {
			t.Errorf("a dead link was sent again: %v", err)
		}
		row, err := h.Admin.Message(t.Context(), h.Visit(), apptest.Operator, id)
		if err != nil || row.Resend {
			t.Errorf("%+v, %v", row, err)
		}
	})
}
