package outbox

import (
	"context"
	"fmt"
)

// A Sender hands a letter to a server or gateway.
type Sender interface {
	Send(ctx context.Context, l Letter) (Receipt, error)
}

// A Receipt is what the server said when it took a letter.
type Receipt struct {
	Server string
	Answer string
}

// A Refusal is what a server said when it did not take a letter. One that is
// not permanent may be tried again; so is every other error.
type Refusal struct {
	Server    string
	Answer    string
	Permanent bool
	Err       error
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%s: %s", r.Server, r.Answer)
}

func (r *Refusal) Unwrap() error { return r.Err }
