package e2e

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign"
	"countersign/internal/mtatest"
	"countersign/internal/outbox"
)

var token = outbox.Outgoing{ID: "m1", Channel: countersign.ChannelSMS, To: "+16145550112", Reference: "KX", Life: 2 * time.Minute,
	Text: "Your Agency Integrator token is 344078. Reference KX.\n@login.acme.example #344078", Callback: "https://login.acme.example"}

// Every request to Twilio conforms to Twilio's own API description: a mock server made from that
// description accepts it.
func TestTwilioTakesOurRequests(t *testing.T) {
	t.Parallel()
	twilio := mtatest.StartTwilio(t)
	for _, query := range []string{"from=%2B16145550100", "from=MG00000000000000000000000000000012"} {
		for name, change := range map[string]func(*outbox.Outgoing){
			"as usual":        func(*outbox.Outgoing) {},
			"without an end":  func(l *outbox.Outgoing) { l.Life = 0 },
			"a moment left":   func(l *outbox.Outgoing) { l.Life = time.Millisecond },
			"days":            func(l *outbox.Outgoing) { l.Life = 48 * time.Hour },
			"without receipt": func(l *outbox.Outgoing) { l.Callback = "" },
			"another script":  func(l *outbox.Outgoing) { l.Text = "Ваш код 344078 & + %" },
		} {
			l := token
			change(&l)
			routes, err := outbox.ParseRoutes([]string{twilio.URL(query)})
			if err != nil {
				t.Fatal(err)
			}
			receipt, err := routes.Gateways()[0].Send(t.Context(), l) // the routes would stop trying when the token expires
			if err != nil || receipt.Tag == "" || !strings.HasPrefix(receipt.Answer, "201 ") {
				t.Errorf("%s, %s: %+v %v", query, name, receipt, err)
			}
		}
	}
	routes, err := outbox.ParseRoutes([]string{twilio.URL("from=%2B16145550100")})
	if err != nil {
		t.Fatal(err)
	}
	l := token
	l.To = "6145550112" // so that the test can fail
	var refusal *outbox.Refusal
	if _, err := routes.Send(t.Context(), l); !errors.As(err, &refusal) || !strings.HasPrefix(refusal.Answer, "400") {
		t.Errorf("a number that is none: %v", err)
	}
}

// The smpp:// gateway works with a message center of another vendor: login, texts in the GSM
// alphabet, long texts in parts, refusals, a message that expires, and delivery receipts.
func TestSMPPWithAForeignCenter(t *testing.T) {
	t.Parallel()
	center := mtatest.StartCenter(t)
	routes, err := outbox.ParseRoutes([]string{center.URL()})
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan outbox.DeliveryReport, 10)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { routes.Run(ctx, func(_ string, r outbox.DeliveryReport) { told <- r }) })
	defer running.Wait()
	defer stop()
	send := func(to, text string) (outbox.Receipt, *outbox.Refusal) {
		l := token
		l.To, l.Text = to, text
		receipt, err := routes.Send(t.Context(), l)
		var refusal *outbox.Refusal
		errors.As(err, &refusal)
		return receipt, refusal
	}
	receipt, refusal := send("+16145550112", token.Text)
	if refusal != nil || receipt.Tag == "" {
		t.Fatalf("%+v %v", receipt, refusal)
	}
	if got := <-told; got.Receipt != countersign.ReceiptDelivered || got.Tags[0] != receipt.Tag {
		t.Errorf("receipt %+v, want one for %s", got, receipt.Tag)
	}
	line := center.Wait(t, "text", 1)[0]
	if want := "text 16145550100 16145550112 0 0 "; !strings.HasPrefix(line, want) || !strings.HasSuffix(line, "00"+hex.EncodeToString([]byte("login.acme.example #344078"))) {
		t.Errorf("got %s", line)
	}
	if _, refusal := send("+16145550201", token.Text); refusal == nil || refusal.MaybeTaken || !strings.Contains(refusal.Answer, "0x58") {
		t.Errorf("too many: %+v", refusal)
	}
	if _, refusal := send("+16145550202", token.Text); refusal == nil || !refusal.MaybeTaken {
		t.Errorf("the link died: %+v", refusal)
	}
	receipt, refusal = send("+16145550203", strings.Repeat("A long text. ", 20))
	if refusal != nil {
		t.Fatal(refusal)
	}
	if got := <-told; got.Receipt != countersign.ReceiptUndelivered || got.Tags[0] != receipt.Tag {
		t.Errorf("receipt %+v", got)
	}
	parts := center.Wait(t, "text", 5)[3:]
	if !strings.Contains(parts[0], " 64 0500030") || !strings.Contains(parts[1], "0202") {
		t.Errorf("parts %q", parts)
	}
	wrong, err := outbox.ParseRoutes([]string{strings.Replace(center.URL(), "secret", "wrong", 1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wrong.Send(t.Context(), token); !errors.As(err, &refusal) || refusal.MaybeTaken || !strings.HasPrefix(refusal.Answer, "it did not take our login") {
		t.Errorf("a wrong password: %v", err)
	}
}
