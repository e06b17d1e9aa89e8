package authn

import (
	"context"
	"errors"
	"sync"
	"time"

	"countersign"
	"countersign/internal/policy"
)

// settleTimeout is how long a guess may take from its payment to its settlement. It
// ends before the guess would count as lost (policy.InFlight).
const settleTimeout = policy.InFlight - 5*time.Second

// UntilSettled is the context of a guess from its payment to its settlement: a
// client that hangs up takes nothing back, and leaves nothing behind that is not
// counted, audited and told (TH-08). It refuses a client that has hung up before.
func UntilSettled(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	settling, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	return settling, cancel, nil
}

// ErrHungUp undoes what a right answer did whose browser does not wait for it any
// more. It would have used up the token and left a session that nobody holds; the
// second of two clicks is the one that gets in.
var ErrHungUp = errors.New("the client hung up")

// pendingTries counts the guesses of this node that are paid for and not settled, by
// attempt. The zero value is ready to use.
type pendingTries struct {
	mu  sync.Mutex
	all map[countersign.AttemptID]*attemptTries
}

// attemptTries are those of one attempt.
type attemptTries struct {
	n       int
	settled chan struct{} // closed when none is left
}

// begin counts a guess until end is called.
func (u *pendingTries) begin(id countersign.AttemptID) (end func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all == nil {
		u.all = map[countersign.AttemptID]*attemptTries{}
	}
	g := u.all[id]
	if g == nil {
		g = &attemptTries{settled: make(chan struct{})}
		u.all[id] = g
	}
	g.n++
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		if g.n--; g.n == 0 {
			delete(u.all, id)
			close(g.settled)
		}
	}
}

// wait waits until the guesses of an attempt are settled, and reports whether
// there were any and they are.
func (u *pendingTries) wait(ctx context.Context, id countersign.AttemptID) bool {
	u.mu.Lock()
	g := u.all[id]
	u.mu.Unlock()
	if g == nil {
		return false
	}
	select {
	case <-g.settled:
		return true
	case <-ctx.Done():
		return false
	}
}
