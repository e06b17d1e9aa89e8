package apptest

import (
	"context"
	"testing"
	"time"

	"countersign"
	"countersign/internal/outbox"
)

// A patientSender delivers a message only once a page waits for it.
type patientSender struct {
	to      outbox.Sender
	permits chan struct{}
}

func (s patientSender) Send(ctx context.Context, l outbox.Outgoing) (outbox.Receipt, error) {
	if sixDigits.MatchString(l.Text) {
		select {
		case <-s.permits:
		case <-ctx.Done():
		}
	}
	return s.to.Send(ctx, l)
}

// deliverWhileAwaited runs the outbox as a node does. Tokens are sent only while the request that
// created them waits.
func (h *App) deliverWhileAwaited(t *testing.T) {
	s := patientSender{to: h.Inbox, permits: make(chan struct{}, 100)}
	h.Outbox.Mail, h.Outbox.Text, h.Authn.Wake = s, s, h.Outbox.Wake
	h.Await = func(ctx context.Context, agency countersign.AgencyID, id countersign.MessageID) {
		s.permits <- struct{}{}
		h.Outbox.Await(ctx, agency, id)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = h.Outbox.Run(ctx) }()
	t.Cleanup(func() { close(s.permits); stop(); <-ended })
}

// Each form that sends a token waits for its delivery, so that the first page already says so. No
// page reloads while its token is typed.
func TestFirstPageSaysThatTheTokenWasSent(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.deliverWhileAwaited(t)
		b := h.Browser("192.0.2.10", Chrome)
		sent := func(to, path string, fields ...string) string {
			t.Helper()
			p := b.Post(path, fields...)
			if p.Status != 200 || !p.Has("input", "name", "token") || !p.Says("Accepted by the demo's inbox") || p.Says("Waiting for") {
				t.Fatalf("POST %s: the first page is %d %s: %s", path, p.Status, p.Path, p.Text())
			}
			h.Pass(31 * time.Second)             // the next token may be requested
			for _, m := range h.Inbox.List(to) { // notices may be newer
				if token := sixDigits.FindStringSubmatch(m.Text); token != nil {
					return token[1]
				}
			}
			t.Fatalf("POST %s sent nothing to %s", path, to)
			return ""
		}
		const mail, number, other = "bsmith@demo.example", "+16145550112", "bob@home.example"
		b.SignIn("BSMITH")
		sent(mail, "/set-up/email", "email", other) // the address on file comes first
		token := sent(mail, "/set-up/email/new")
		sent(other, "/set-up/email/confirm", "token", token)
		sent(mail, "/set-up/email", "email", mail)
		b.Post("/set-up/email/token", "token", sent(mail, "/set-up/email/new"))
		h.Pass(time.Hour)

		h.User("CBILLS")
		b.Forget()
		b.SignIn("CBILLS")
		b.Post("/set-up/email/token", "token", sent("cbills@demo.example", "/set-up/email", "email", "cbills@demo.example"))
		b.Get("/set-up/sms")
		sent(number, "/set-up/sms", "phone", "6145550112", "country", "US")
		b.Post("/set-up/sms/token", "token", sent(number, "/set-up/sms/new"))
		b.Get("/set-up")
		b.Post("/set-up/skip")
		b.Post("/set-up/default", "default", "email")
		h.Pass(time.Hour)

		b = h.Browser("192.0.2.11", Chrome)
		b.Get("/sign-in")
		sent("cbills@demo.example", "/sign-in", "user_id", "CBILLS", "password", Password)
		sent("cbills@demo.example", "/sign-in/token/new")
		b.Post("/sign-in/token", "token", sent(number, "/sign-in/other-way", "method", "sms"))
		h.Pass(10 * time.Minute)

		b.Get("/profile")
		sent("cbills@demo.example", "/profile/setup-two-factor")
		sent("cbills@demo.example", "/step-up/new")
		b.Post("/step-up", "token", sent(number, "/step-up/other-way", "method", "sms"))
		b.Get("/profile/email")
		sent("carol@home.example", "/profile/email", "email", "carol@home.example")
		sent("carol@home.example", "/profile/email/new")
		b.Get("/profile/phone")
		sent("+16145550134", "/profile/phone", "phone", "6145550134", "country", "US")
		sent("+16145550134", "/profile/phone/new")
	})
}
