package countersign

import "time"

// A Wording is what an agency wants one of its messages to say, in place of the
// original text. Package wording knows the language that it is written in.
type Wording struct {
	Kind    string // which message: "token", "token-sms"
	Subject string // mail only
	Body    string
	Version int64 // of the last change; 0: there is none, the original text counts
	Changed time.Time
	By      string
}
