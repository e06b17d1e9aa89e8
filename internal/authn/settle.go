package authn

import (
	"context"
	"errors"
	"sync"
	"time"

	"countersign"
	"countersign/internal/policy"
)

// settleTimeout is how long a try may take from being counted to being settled. It
// ends before the try would count as lost (policy.InFlight).
const settleTimeout = policy.InFlight - 5*time.Second

// UntilSettled returns the context of a try from being counted to being settled. It
// outlives the client's connection, so that a client can't disconnect to avoid being
// counted, audited and reported (TH-08). It refuses a client that has already disconnected.
func UntilSettled(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	settling, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	return settling, cancel, nil
}

// ErrHungUp rolls back a right answer whose client has disconnected. Otherwise the
// token would be used up for a session that no browser holds; of two clicks, the
// second one is admitted.
var ErrHungUp = errors.New("the client hung up")

// pendingTries counts the tries of this node that are counted and not settled, by
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

// begin counts a try until end is called.
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

// wait waits until the tries of an attempt are settled, and reports whether
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
