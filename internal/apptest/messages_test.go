package apptest_test

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/apptest"
	"countersign/internal/mtatest"
	"countersign/internal/outbox"
)

// A server handles each message as the test says.
type server func(l outbox.Outgoing) error

func (s server) Send(_ context.Context, l outbox.Outgoing) (outbox.Receipt, error) {
	return outbox.Receipt{Server: "mail.acme.example", Answer: "250 OK"}, s(l)
}

// signedInAs returns a browser in which login, added with these rights, has set up email and signed
// in.
func signedInAs(h *apptest.App, login string, rights ...countersign.Right) *apptest.Browser {
	h.T.Helper()
	h.User(login, rights...)
	b := h.Browser("192.0.2.10", apptest.Chrome)
	if p := b.Enroll(login); p.Path != "/set-up/done" {
		h.T.Fatalf("%s is at %s: %s", login, p.Path, p.Text())
	}
	return b
}

var messageLink = regexp.MustCompile(`href="(/admin/messages/[0-9a-f]{32})"`)

// The list shows recipients and delivery, masked, and never the text: no token, no whole address or
// number.
func TestMessagesPage(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		askForText(h, "BSMITH")
		h.Outbox.Mail = server(func(l outbox.Outgoing) error {
			if l.To == "cbills@demo.example" {
				return &outbox.Refusal{Server: "mail.acme.example", Answer: "552 5.2.2 Mailbox full", Permanent: true}
			}
			return nil
		})
		token := h.Token("+16145550112")
		h.Pass(20 * time.Second)
		h.User("CBILLS")
		c := h.Browser("192.0.2.11", apptest.Chrome)
		c.SignIn("CBILLS")
		c.Post("/set-up/email", "email", "cbills@demo.example")
		h.Mail("")
		p := b.Get("/admin/messages")
		if p.Status != 200 || !p.Says("b•••@demo.example", "number ending 12", "Refused", "Token, reference", "Accepted in 24 hours", "of 500", "Time to delivery") {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		for _, secret := range []string{token, "5550112", "bsmith@demo.example"} {
			if strings.Contains(p.Body, secret) {
				t.Errorf("the page holds %s", secret)
			}
		}
		if strings.Contains(p.Body, "style=") {
			t.Error("the chart has a style of its own")
		}
		if p := b.Get("/admin/messages?state=refused"); !p.Says("c•••@demo.example", "1 to 1 of 1") || p.Says("number ending 12") {
			t.Errorf("refused ones: %s", p.Text())
		}
		if p := b.Get("/admin/messages?kind=token&q=bsmith"); !p.Says("number ending 12", "1 to 2 of 2") || p.Says("CBILLS") {
			t.Errorf("BSMITH's tokens: %s", p.Text())
		}
		for _, number := range []string{"6145550112", "614-555-0112", "(614) 555-0112", "%2B1 614 555 0112"} {
			if p := b.Get("/admin/messages?q=" + strings.ReplaceAll(number, " ", "+")); !p.Says("number ending 12", "1 to 1 of 1") {
				t.Errorf("looking for %s: %s", number, p.Text())
			}
		}
		if p := b.Get("/admin/messages?kind=zzz&state=zzz"); !p.Says("number ending 12", "c•••@demo.example") || p.Says("No message found") {
			t.Errorf("unknown filters: %s", p.Text())
		}
		if p := b.Get("/admin/messages?q=%25"); !p.Says("No message found") {
			t.Errorf("a sign of the database's own: %s", p.Text())
		}
		one := messageLink.FindStringSubmatch(b.Get("/admin/messages?state=refused").Body)
		if one == nil {
			t.Fatal("the list leads nowhere")
		}
		p = b.Get(one[1])
		if !p.Says("Token, reference", "to CBILLS", `mail.acme.example said: "552 5.2.2 Mailbox full".`, "Not kept: it held a token", "A token is never sent again", "Refused for good by mail.acme.example") {
			t.Errorf("one message: %s", p.Text())
		}
		if p := b.Post(one[1] + "/resend"); p.Status != 422 || !p.Says("This message can't be sent again") {
			t.Errorf("a token was sent again: %d %s", p.Status, p.Text())
		}
		other := h.Node()
		agency, err := h.Admin.AddAgency(t.Context(), h.Now(), countersign.Agency{Code: "OTHER", Name: "Other"})
		if err != nil {
			t.Fatal(err)
		}
		other.Agency = agency
		if _, err := h.Admin.Message(t.Context(), other.Visit(), apptest.Operator, countersign.MessageID(strings.TrimPrefix(one[1], "/admin/messages/"))); countersign.KindOf(err) != countersign.KindNotFound {
			t.Errorf("another agency sees it: %v", err)
		}
		if p := b.Get("/admin/messages/nothing"); p.Status != 404 {
			t.Errorf("no message at all: %d", p.Status)
		}
	})
}

// Pages of the list lead back and forth and show each message once.
func TestMessagesPages(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		signedInAs(h, "ADMIN", countersign.AgencyRights...)
		for n := range 35 {
			h.Pass(7 * time.Minute)
			if _, err := h.Admin.SendTest(t.Context(), h.Visit(), apptest.Operator, fmt.Sprintf("user%d@demo.example", n)); err != nil {
				t.Fatal(err)
			}
		}
		h.Mail("")
		b := h.Browser("192.0.2.10", apptest.Chrome)
		b.SignIn("ADMIN")
		b.Post("/sign-in/token", "token", h.Token("admin@demo.example"))
		first := b.Get("/admin/messages?kind=test")
		if !first.Says("1 to 25 of 35") || first.Says("Newer") {
			t.Fatalf("the first page: %s", first.Text())
		}
		older := linkOf(first, "after")
		second := b.Get("/admin/messages" + older)
		if !second.Says("26 to 35 of 35") || second.Says("Older") {
			t.Fatalf("the second page: %s", second.Text())
		}
		if back := b.Get("/admin/messages" + linkOf(second, "before")); !back.Says("1 to 25 of 35") {
			t.Errorf("back again: %s", back.Text())
		}
		seen := messageLink.FindAllString(first.Body+second.Body, -1)
		slices.Sort(seen)
		if n := len(slices.Compact(seen)); n != 35 {
			t.Errorf("%d messages on both pages", n)
		}
		if p := b.Get("/admin/messages?kind=test&after=%00%ff-x"); p.Status >= 500 {
			t.Errorf("a cursor that is none: %d", p.Status)
		}
	})
}

func linkOf(p *apptest.Page, direction string) string {
	for _, l := range p.Links() {
		if strings.HasPrefix(l, "?") && strings.Contains(l, direction+"=") {
			return l
		}
	}
	return ""
}

// A refused message can be sent again. The action is audited, and needs the right.
func TestResendLetter(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		full := true
		h.Outbox.Mail = server(func(l outbox.Outgoing) error {
			if full && l.Kind == countersign.MessageInvitation {
				return &outbox.Refusal{Server: "mail.acme.example", Answer: "552 5.2.2 Mailbox full", Permanent: true}
			}
			return nil
		})
		h.User("BSMITH")
		if err := h.Admin.Invite(t.Context(), h.Visit(), apptest.Operator, "BSMITH"); err != nil {
			t.Fatal(err)
		}
		h.Mail("")
		one := messageLink.FindStringSubmatch(b.Get("/admin/messages?state=refused").Body)
		if one == nil || !b.Get(one[1]).Says("Send it again", "Sealed, until it is sent") {
			t.Fatal("it can't be sent again")
		}
		full = false
		if p := b.Post(one[1] + "/resend"); p.Path != one[1] || p.Says("Send it again") {
			t.Fatalf("at %s: %s", p.Path, p.Text())
		}
		h.Mail("")
		if p := b.Get(one[1]); !p.Says("Accepted by mail.acme.example: 250 OK", "Text Not kept") {
			t.Errorf("after sending: %s", p.Text())
		}
		if p := b.Post(one[1] + "/resend"); p.Status != 422 {
			t.Errorf("what was sent was sent again: %d", p.Status)
		}
		if lines := strings.Join(h.Events(""), "\n"); strings.Count(lines, "message.resent ok") != 1 {
			t.Errorf("audit rows:\n%s", lines)
		}
	})
}

// The test button sends to one address or number and shows what the server said. Invalid input is
// refused beside the field, and the number of tests is limited.
func TestTestButton(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		if p := b.Get("/admin/messages/test"); p.Value("to") != "admin@demo.example" {
			t.Errorf("the form begins with %q", p.Value("to"))
		}
		for typed, says := range map[string]string{"": "Enter an email address, or a mobile number.", "bob@": "The part after @ is missing", "a\r\nBcc: x@y.example": "not a whole email address",
			"614555": "That number has 6 digits.", "9005550100": "Text messages cannot be sent to that number", "not a number": "Enter an email address, or a mobile number.", "support": "Enter an email address, or a mobile number.", "614-CALL-NOW": "digits only"} {
			if p := b.Post("/admin/messages/test", "to", typed); p.Status != 422 || !p.Says(says) {
				t.Errorf("%q: %d %s", typed, p.Status, p.Text())
			}
		}
		if p := b.Post("/admin/messages/test", "to", "bsmith@demo.example"); !p.Says("The test is on its way") || p.Header.Get("Refresh") == "" {
			t.Errorf("just sent: %s", p.Text())
		}
		sent := h.Mail("bsmith@demo.example")
		if len(sent) != 1 || !strings.Contains(sent[0].Subject, "A test mail") {
			t.Fatalf("%+v", sent)
		}
		if p := b.Get("/admin/messages/" + sent[0].ID); !p.Says("Administration Messages Test Message", "b•••@demo.example, asked for by ADMIN", "The test was accepted", "the demo's inbox: kept") || p.Header.Get("Refresh") != "" {
			t.Errorf("accepted: %s", p.Text())
		}
		if p := b.Get("/admin/messages/test?sent=" + sent[0].ID); !p.Says("Result, 2:00:00 PM", "Accepted By the demo's inbox, after") {
			t.Errorf("the result: %s", p.Text())
		}
		if p := b.Get("/admin/messages/test?sent=unknown"); p.Status != 404 {
			t.Errorf("a test that was never sent: %d", p.Status)
		}
		b.Get("/admin/messages/test")
		b.Post("/admin/messages/test", "to", "614-555-0112")
		if sent := h.Mail("+16145550112"); len(sent) != 1 {
			t.Errorf("%d texts", len(sent))
		}
		until := h.Now().Add(time.Hour) // no time has passed since the first one
		for range 8 {
			b.Get("/admin/messages/test")
			b.Post("/admin/messages/test", "to", "bsmith@demo.example")
		}
		h.Pass(3 * time.Minute)
		b.Get("/admin/messages/test")
		if p := b.Post("/admin/messages/test", "to", "bsmith@demo.example"); p.Status != 429 || !p.Says("Ten tests were sent within an hour", "The next one can be sent at "+until.In(h.Agency.Location()).Format("3:04 PM")+".") {
			t.Errorf("the eleventh: %d %s", p.Status, p.Text())
		}
	})
}

// After a test mail the page shows each step of its delivery, by a real mail server and the records
// of the sender's domain, and the record that is missing.
func TestTestMailStepByStep(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		m := mtatest.Start(t)
		h.Outbox.Lookup = func(_ context.Context, name string) ([]string, error) {
			known := map[string]string{"demo.example.": "v=spf1 ip4:127.0.0.1 -all"}
			if known[name] == "" {
				return nil, &net.DNSError{Name: name, IsNotFound: true}
			}
			return []string{known[name]}, nil
		}
		for _, c := range []struct {
			url  string
			says []string
		}{
			{m.URL(), []string{"Connection 127.0.0.1, port", "Encryption STARTTLS, TLS 1.3, certificate valid until", "Sign-in As countersign", "Accepted By 127.0.0.1, which said \"250 OK",
				"SPF of demo.example v=spf1 ip4:127.0.0.1 -all", "DKIM of demo.example Mail is not signed", "DMARC of demo.example", "Missing", "Add this record", "_dmarc.demo.example. TXT"}},
			{m.At(mtatest.Foreign), []string{"Connection 127.0.0.1, port", "Encryption Its certificate is not right", "Not right", "Waiting"}},
			{strings.Replace(m.URL(), mtatest.Password, "wrong", 1), []string{"Encryption STARTTLS", "Sign-in It did not take our login: 535"}},
			{m.At(mtatest.Unsecure), []string{"Encryption It offers no encryption"}},
			{m.At(mtatest.Away), []string{"Connection 127.0.0.1, port", "421 4.3.2 … is down for maintenance"}},
			{"smtp://127.0.0.1:1?tls=none", []string{"it can't be reached: connection refused"}},
		} {
			route, err := outbox.ParseSMTP(c.url)
			if err != nil {
				t.Fatal(err)
			}
			h.Outbox.Mail = route
			b.Get("/admin/messages/test")
			p := b.Post("/admin/messages/test", "to", "bsmith@demo.example")
			if p.Status != 200 || !p.Says("On its way") || p.Header.Get("Refresh") == "" {
				t.Fatalf("just sent: %d %s", p.Status, p.Text())
			}
			if _, err := h.Outbox.Poll(t.Context()); err != nil {
				t.Fatal(err)
			}
			sent := linkToResult.FindStringSubmatch(p.Body)
			if sent == nil {
				t.Fatal("the result has no message")
			}
			if p := b.Get("/admin/messages/test?sent=" + sent[1]); !p.Says(c.says...) {
				t.Errorf("want %q, got %s", c.says, p.Text())
			}
		}
	})
}

var linkToResult = regexp.MustCompile(`/admin/messages/([0-9a-f]{32})"`)

// The page of a test without an answer does not wait forever: it says so, stops reloading, and
// offers to check again. A late answer is shown.
func TestATestWithoutAnAnswer(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		for _, to := range []string{"bsmith@demo.example", "614-555-0112"} {
			b.Get("/admin/messages/test")
			p := b.Post("/admin/messages/test", "to", to)
			sent := linkToResult.FindStringSubmatch(p.Body)
			if sent == nil || p.Header.Get("Refresh") == "" {
				t.Fatalf("just sent: %d %s", p.Status, p.Text())
			}
			until := h.Now().Add(10 * time.Minute).In(h.Agency.Location()).Format("3:04 PM")
			h.Pass(25 * time.Second)
			page := "/admin/messages/test?sent=" + sent[1]
			if p := b.Get(page); !p.Says("Waiting for a", "There is no answer yet. We keep trying until "+until+".", "Look again") || p.Header.Get("Refresh") != "" {
				t.Errorf("%s, no answer: Refresh %q, %s", to, p.Header.Get("Refresh"), p.Text())
			}
			h.Mail("")
			if p := b.Get(page); !p.Says("Good") || p.Says("Waiting for") || p.Says("There is no answer yet") || p.Header.Get("Refresh") != "" {
				t.Errorf("%s, answered: Refresh %q, %s", to, p.Header.Get("Refresh"), p.Text())
			}
		}
	})
}

// A test without a mail server or text gateway names what is missing, and its pages do not reload:
// only an operator can make it go out.
func TestATestWithoutARoute(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		methods := h.Admin.Methods
		for _, c := range []struct{ to, waiting, says string }{
			{"bsmith@demo.example", "Waiting for a mail server", "No mail server is set up, so this test %s. Set --smtp-url and --mail-from, "},
			{"614-555-0112", "Waiting for a text gateway", "No text gateway is set up, so this test %s. Set --sms-url, "},
		} {
			id, err := h.Admin.SendTest(t.Context(), h.Visit(), apptest.Operator, c.to)
			if err != nil {
				t.Fatal(err)
			}
			look := func(says string) {
				t.Helper()
				for _, page := range []string{"/admin/messages/test?sent=", "/admin/messages/"} {
					p := b.Get(page + string(id))
					if p.Header.Get("Refresh") != "" || !p.Says(c.waiting, says) || p.Says("n its way") || p.Says("looks again") || p.Says("keep trying") {
						t.Errorf("%s: Refresh %q, %s", page, p.Header.Get("Refresh"), p.Text())
					}
				}
			}
			h.Outbox.Mail, h.Admin.Methods = nil, methods[:2] // as after a start without them
			look(fmt.Sprintf(c.says, "waits") + "then start the server again.")
			h.Pass(9 * time.Minute)
			look(fmt.Sprintf(c.says, "waits") + "then start the server again.")
			h.Pass(time.Minute)
			look(fmt.Sprintf(c.says, "was not sent") + "start the server again, then send another test.")
			h.Outbox.Mail, h.Admin.Methods = h.Inbox, methods
			if p := b.Get("/admin/messages/" + string(id)); !p.Says("There was no answer", "Send another one.") || p.Header.Get("Refresh") != "" {
				t.Errorf("%s, over: %s", c.to, p.Text())
			}
		}
	})
}
