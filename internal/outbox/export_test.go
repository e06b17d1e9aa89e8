package outbox

import "time"

// What other programs say, for tests that are given their examples.
var (
	SignTwilio = signTwilio
	Canonical  = canonical
)

// Hurry gives a gateway less time than it has.
func Hurry(s *SMPP, patience time.Duration) { s.client.Patience = patience }
