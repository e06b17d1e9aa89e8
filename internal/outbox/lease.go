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
	lastWord      = 3 * time.Second // when the node is stopping
)

// begin starts a try with the tries and the route of m.
func (g *lease) begin(ctx context.Context, m countersign.Message) error {
	g.mu.Lock()
	g.m.Tries = m.Tries
	g.mu.Unlock()
	return g.start(ctx, m.Route)
}

// message returns the current state of the message.
func (g *lease) message() countersign.Message {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.m
}

// save saves the outcome of the message. It retries while the database is unavailable; a node
// that is stopping tries once more.
func (g *lease) save(ctx context.Context, m countersign.Message) error {
	if ctx.Err() != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
		defer cancel()
		ctx = last
	}
	for end := time.Now().Add(settleTimeout); ; {
		err := g.finish(ctx, m)
		if err == nil {
			g.outbox.announce(m.ID)
		}
		if err == nil && g.outbox.Count != nil {
			g.outbox.Count(m)
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

func (g *lease) finish(ctx context.Context, m countersign.Message) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	m.Claimed = g.m.Claimed // as last renewed
	m.Server, m.Tag = legible(m.Server), legible(m.Tag)
	return g.outbox.Store.FinishMessage(ctx, m)
}

// start checks that this node still holds the message and that its token is valid, and records
// the route that gets it.
func (g *lease) start(ctx context.Context, route string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	g.m.Route = route
	held, err := g.outbox.Store.RecordRoute(ctx, g.m, route, g.outbox.now().Add(maybeTakenGaps[0]))
	if err == nil && !held {
		return errLost
	}
	return err
}

// renewUntil renews the lease until release is called.
func (g *lease) renewUntil(ctx context.Context) (release func()) {
	done := make(chan struct{})
	var holding sync.WaitGroup
	holding.Go(func() {
		ticker := time.NewTicker(renewal)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				g.renew(ctx)
			}
		}
	})
	return func() {
		close(done)
		holding.Wait()
	}
}

func (g *lease) renew(ctx context.Context) {
	g.mu.Lock()
	defer g.mu.Unlock()
	until := g.outbox.now().Add(leaseTime)
	ctx, cancel := context.WithTimeout(ctx, leaseTime)
	defer cancel()
	held, err := g.outbox.Store.RenewLease(ctx, g.m, until)
	if err != nil && ctx.Err() == nil {
		g.outbox.Log.Warn("renew message lease", "id", g.m.ID, "error", err)
	}
	if held {
		g.m.Claimed = until
	}
}
