package outbox

import (
	"context"
	"sync"
	"time"

	"countersign"
)

// A grip is a node's hold on a message while it hands it over: the lease is
// renewed however long the server takes, and the way out is noted beforehand.
type grip struct {
	outbox *Outbox

	mu sync.Mutex
	m  countersign.Message
}

// How a node writes down what became of a message while the database is away:
// how often it tries, and for how long. What was handed over and is not noted is
// handed over again by the next node.
const (
	pause    = 200 * time.Millisecond
	stubborn = 30 * time.Second
	lastWord = 3 * time.Second // where the node ends
)

// take begins a try of the message, as m has it.
func (g *grip) take(ctx context.Context, m countersign.Message) error {
	g.mu.Lock()
	g.m.Tries = m.Tries
	g.mu.Unlock()
	return g.begin(ctx, m.Route)
}

// message is the message as it stands.
func (g *grip) message() countersign.Message {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.m
}

// keep writes down what became of the message. A database that is away is asked
// again until it is back. A node that ends asks once more.
func (g *grip) keep(ctx context.Context, m countersign.Message) error {
	if ctx.Err() != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
		defer cancel()
		ctx = last
	}
	for end := time.Now().Add(stubborn); ; {
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
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

func (g *grip) finish(ctx context.Context, m countersign.Message) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	m.Claimed = g.m.Claimed // as it was last renewed
	m.Server, m.Tag = legible(m.Server), legible(m.Tag)
	return g.outbox.Store.FinishMessage(ctx, m)
}

// begin makes sure that the message is still this node's and that its token
// lives, and notes the way out that gets it.
func (g *grip) begin(ctx context.Context, route string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	g.m.Route = route
	held, err := g.outbox.Store.HandOver(ctx, g.m, route, g.outbox.now().Add(unsureGaps[0]))
	if err == nil && !held {
		return errLost
	}
	return err
}

// hold renews the lease until release is called.
func (g *grip) hold(ctx context.Context) (release func()) {
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

func (g *grip) renew(ctx context.Context) {
	g.mu.Lock()
	defer g.mu.Unlock()
	until := g.outbox.now().Add(lease)
	ctx, cancel := context.WithTimeout(ctx, lease)
	defer cancel()
	held, err := g.outbox.Store.HoldMessage(ctx, g.m, until)
	if err != nil && ctx.Err() == nil {
		g.outbox.Log.Warn("lease of a message", "id", g.m.ID, "error", err)
	}
	if held {
		g.m.Claimed = until
	}
}
