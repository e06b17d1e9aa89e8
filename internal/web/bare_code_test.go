package web

import (
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
