package outbox

import (
	"context"
	"sync"
	"time"

	"countersign"
)

// A lease is a node's hold on a message while it hands it over: the lease is
// renewed however long the server takes, and the way out is noted beforehand.
type lease struct {
	outbox *Outbox

	mu sync.Mutex
	m  countersign.Message
}

// How a node writes down what became of a message while the database is away:
// how often it tries, and for how long. What was handed over and is not noted is
// handed over again by the next node.
const (
	settleRetry   = 200 * time.Millisecond
	settleTimeout = 30 * time.Second
	lastWord      = 3 * time.Second // where the node ends
)

// begin begins a try of the message, as m has it.
func (g *lease) begin(ctx context.Context, m countersign.Message) error {
	g.mu.Lock()
	g.m.Tries = m.Tries
	g.mu.Unlock()
	return g.start(ctx, m.Route)
}

// message is the message as it stands.
func (g *lease) message() countersign.Message {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.m
}

// save writes down what became of the message. A database that is away is asked
// again until it is back. A node that ends asks once more.
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
	m.Claimed = g.m.Claimed // as it was last renewed
	m.Server, m.Tag = legible(m.Server), legible(m.Tag)
	return g.outbox.Store.FinishMessage(ctx, m)
}

// start makes sure that the message is still this node's and that its token
// lives, and notes the way out that gets it.
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
		g.outbox.Log.Warn("lease of a message", "id", g.m.ID, "error", err)
	}
	if held {
		g.m.Claimed = until
	}
}
