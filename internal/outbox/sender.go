package outbox

import (
	"context"
	"errors"
	"fmt"

	"countersign"
)

// A Sender hands a letter to a server or gateway.
type Sender interface {
	Send(ctx context.Context, l Outgoing) (Receipt, error)
}

// A Receipt is what the server said when it took a letter.
type Receipt struct {
	Server string
	Answer string // in words of ours, or as Redact leaves it
	Route  string // the way out that took it; text messages only
	Tag    string // what the gateway calls it from here on, for its receipts
}

// A Refusal is what a server said when it did not take a letter. One that is
// not permanent may be tried again; so is every other error.
type Refusal struct {
	Server     string
	Answer     string // in words of ours, or as Redact leaves it
	Reason     countersign.Reason
	Permanent  bool
	MaybeTaken bool   // it may have been taken all the same: there was no answer
	Route      string // unsure: the way out that may have it
	Err        error
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%s: %s", r.Server, r.Answer)
}

// outboxName is the server of a refusal that is our own.
const outboxName = "the outbox"

// stored is what a row holds of a refusal: nothing that the server may have
// repeated of the message.
func (r *Refusal) stored() (answer string, reason countersign.Reason) {
	if reason = r.Reason; reason == "" && r.Answer != "" {
		reason = reasonOf(r.Answer)
	}
	return explained(Redact(r.Answer), reason), reason
}

func (r *Refusal) Unwrap() error { return r.Err }

// errLost ends the handing over of a message that is not this node's any more:
// its lease is over, or its token has died.
var errLost = errors.New("the message is not this node's any more")
