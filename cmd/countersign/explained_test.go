package main

import (
	"strings"
	"testing"

	"countersign/internal/outbox"
)

// The command marks our own explanation of a bare code as a guess.
func TestUndeliveredExplainsABareCode(t *testing.T) {
	r := &outbox.Refusal{Server: "mx.acme.example", Answer: "550" + outbox.NoText + "there is no such address)", Permanent: true}
	const want = "mx.acme.example refused it: 550, without a reason. It probably means: there is no such address"
	if got := undelivered(r).Error(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	r.Answer = "550 5.1.1 User unknown"
	if got := undelivered(r).Error(); !strings.HasSuffix(got, ": 550 5.1.1 User unknown") {
		t.Errorf("a server's answer is printed as %q", got)
	}
}
