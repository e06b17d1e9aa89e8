package outbox

// What other programs say, for tests that are given their examples.
var (
	SignTwilio = signTwilio
	Canonical  = canonical
)
