package outbox

import (
	"context"
	"time"

	"countersign"
)

// Functions to test with other vendors' published examples.
var (
	SignTwilio = signTwilio
	Canonical  = canonical
)

// Hurry shortens the timeout of a gateway.
func Hurry(s *SMPP, patience time.Duration) { s.client.Timeout = patience }

// AwaitFor does what Await does, with another limit.
func (o *Outbox) AwaitFor(ctx context.Context, limit time.Duration, agency countersign.AgencyID, id countersign.MessageID) {
	o.awaitFor(ctx, limit, agency, id)
}

// Expects reports whether a request waits for the message.
func (o *Outbox) Expects(id countersign.MessageID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.awaited[id] != nil
}

// Decisions about answers, to test with examples.
var (
	TagFor   = tagFor
	ReasonOf = reasonOf
)

// OwnErrors are our own texts for the errors of gateways.
var OwnErrors = []map[string]string{twilioErrors, vonageErrors}
