package countersign

import "time"

// A Wording is an agency's own text of a message, in place of the original one. Package
// wording parses it.
type Wording struct {
	Kind    string // kind of message: "token", "token-sms"
	Subject string // mail only
	Body    string
	Version int64 // of the last change; 0: never changed, the original text applies
	Changed time.Time
	By      string
}
