package outbox

import (
	"context"
	"time"

	"countersign"
)

// What other programs say, for tests that are given their examples.
var (
	SignTwilio = signTwilio
	Canonical  = canonical
)

// Hurry gives a gateway less time than it has.
func Hurry(s *SMPP, patience time.Duration) { s.client.Timeout = patience }

// AwaitFor is Await with another limit.
func (o *Outbox) AwaitFor(ctx context.Context, limit time.Duration, agency countersign.AgencyID, id countersign.MessageID) {
	o.awaitFor(ctx, limit, agency, id)
}

// Expects reports whether a request waits for the message.
func (o *Outbox) Expects(id countersign.MessageID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.awaited[id] != nil
}

// What is decided about answers, for tests that are given their examples.
var (
	TagFor   = tagFor
	ReasonOf = reasonOf
)

// OwnErrors are the words of ours for the errors of gateways.
var OwnErrors = []map[string]string{twilioErrors, vonageErrors}
