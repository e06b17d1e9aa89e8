package outbox

import (
	"context"
	"errors"
	"fmt"

	"countersign"
)

// A Sender sends a message to a server or gateway.
type Sender interface {
	Send(ctx context.Context, l Outgoing) (Receipt, error)
}

// A Receipt is a server's answer when it accepted a message.
type Receipt struct {
	Server string
	Answer string // in our own words, or as Redact leaves it
	Route  string // the route that took it; text messages only
	Tag    string // the gateway's ID of the message, for its receipts
}

// A Refusal is a server's answer when it did not accept a message. It may be tried again
// unless it is permanent, as after every other error.
type Refusal struct {
	Server     string
	Answer     string // in our own words, or as Redact leaves it
	Reason     countersign.Reason
	Permanent  bool
	MaybeTaken bool   // it may have been accepted anyway: there was no answer
	Route      string // if MaybeTaken: the route that may have it
	Err        error
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%s: %s", r.Server, r.Answer)
}

// outboxName is the server named in a refusal of our own.
const outboxName = "the outbox"

// stored returns what is stored of a refusal: nothing that the server may have repeated of the
// message.
func (r *Refusal) stored() (answer string, reason countersign.Reason) {
	if reason = r.Reason; reason == "" && r.Answer != "" {
		reason = reasonOf(r.Answer)
	}
	return withReason(Redact(r.Answer), reason), reason
}

func (r *Refusal) Unwrap() error { return r.Err }

// errLost ends the sending of a message that this node no longer holds: its lease or its token
// has expired.
var errLost = errors.New("this node lost its lease of the message")
