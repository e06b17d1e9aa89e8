package outbox

import (
	"context"
	"sync"
	"time"

	"countersign"
)

// A lease is a node's claim on a message while it sends it. It is renewed however long the
// server takes, and records the route before each try.
type lease struct {
	outbox *Outbox

	mu sync.Mutex
	m  countersign.Message
}

// How often and how long a node tries to save the outcome while the database is unavailable. A
// message that was sent but not saved is sent again by the next node.
const (
	settleRetry   = 200 * time.Millisecond
	settleTimeout = 30 * time.Second
	finalTimeout  = 3 * time.Second // when the node is stopping
)

// begin starts a try with the tries and the route of m.
func (l *lease) begin(ctx context.Context, m countersign.Message) error {
	l.mu.Lock()
	l.m.Tries = m.Tries
	l.mu.Unlock()
	return l.start(ctx, m.Route)
}

// message returns the current state of the message.
func (l *lease) message() countersign.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.m
}

// save saves the outcome of the message. It retries while the database is unavailable; a node
// that is stopping tries once more.
func (l *lease) save(ctx context.Context, m countersign.Message) error {
	if ctx.Err() != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), finalTimeout)
		defer cancel()
		ctx = last
	}
	for end := time.Now().Add(settleTimeout); ; {
		err := l.finish(ctx, m)
		if err == nil {
			l.outbox.announce(m.ID)
		}
		if err == nil && l.outbox.Count != nil {
			l.outbox.Count(m)
		}
		if err == nil || time.Now().After(end) {
			return err
		}
		timer := time.NewTimer(settleRetry)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

func (l *lease) finish(ctx context.Context, m countersign.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	m.Claimed = l.m.Claimed // as last renewed
	m.Server, m.Tag = legible(m.Server), legible(m.Tag)
	return l.outbox.Store.FinishMessage(ctx, m)
}

// start checks that this node still holds the message and that its token is valid, and records
// the route that gets it.
func (l *lease) start(ctx context.Context, route string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	l.m.Route = route
	held, err := l.outbox.Store.RecordRoute(ctx, l.m, route, l.outbox.now().Add(maybeTakenDelays[0]))
	if err == nil && !held {
		return errLost
	}
	return err
}

// renewUntil renews the lease until release is called.
func (l *lease) renewUntil(ctx context.Context) (release func()) {
	done := make(chan struct{})
	var holding sync.WaitGroup
	holding.Go(func() {
		ticker := time.NewTicker(renewInterval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				l.renew(ctx)
			}
		}
	})
	return func() {
		close(done)
		holding.Wait()
	}
}

func (l *lease) renew(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	until := l.outbox.now().Add(leaseTime)
	ctx, cancel := context.WithTimeout(ctx, leaseTime)
	defer cancel()
	held, err := l.outbox.Store.RenewLease(ctx, l.m, until)
	if err != nil && ctx.Err() == nil {
		l.outbox.Log.Warn("renew message lease", "id", l.m.ID, "error", err)
	}
	if held {
		l.m.Claimed = until
	}
}
