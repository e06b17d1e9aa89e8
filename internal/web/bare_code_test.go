package web

import (
	"strings"
	"testing"

	"countersign"
	"countersign/internal/outbox"
)

// The explanation of a bare code is our own, so it is not quoted as the server's.
func TestABareCodeIsNotQuoted(t *testing.T) {
	for answer, want := range map[string]string{
		"550" + outbox.NoText + "there is no such address)":  "mx.acme.example said 550, without a reason. It probably means: there is no such address",
		"550 5.1.1 User unknown.":                            `mx.acme.example said: "550 5.1.1 User unknown"`,
		"550 5.1.1" + outbox.NoText + "the mailbox is full)": "mx.acme.example said 550 5.1.1, without a reason. It probably means: the mailbox is full",
	} {
		if got := deliveryAnswer(countersign.Message{Server: "mx.acme.example", State: countersign.StateRefused, Answer: answer}); got != want {
			t.Errorf("%q is shown as %q, want %q", answer, got, want)
		}
	}
}

// The words for a text gateway's status are our own, so no page quotes them. Neither does it quote
// the explanation of a bare code.
func TestOurWordsAreNotQuoted(t *testing.T) {
	for _, m := range []countersign.Message{
		{Channel: countersign.ChannelSMS, State: countersign.StateRefused, Answer: "0x0b no such number"},
		{Channel: countersign.ChannelSMS, State: countersign.StateRefused, Answer: "status 33 there is no such number"},
		{Channel: countersign.ChannelSMS, State: countersign.StateRefused, Answer: "400 21211 there is no such number"},
		{Channel: countersign.ChannelSMS, State: countersign.StateSent, Answer: "accepted"},
		{Channel: countersign.ChannelEmail, State: countersign.StateSent, Answer: "kept"},
		{Channel: countersign.ChannelEmail, State: countersign.StateRefused, Answer: "550" + outbox.NoText + "there is no such address)"},
	} {
		m.Server = "gateway.example"
		for _, said := range []string{deliveryAnswer(m), takenStep(m).Text} {
			if strings.Contains(said, `"`) || strings.Contains(said, outbox.NoText) {
				t.Errorf("%q is shown as %q", m.Answer, said)
			}
		}
	}
	m := countersign.Message{Server: "mx.acme.example", Channel: countersign.ChannelEmail, State: countersign.StateSent, Answer: "250 OK"}
	if said := takenStep(m).Text; !strings.Contains(said, `which said "250 OK"`) {
		t.Errorf("a mail server's answer is shown as %q", said)
	}
}
