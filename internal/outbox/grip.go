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

// begin makes sure that the message is still this node's and that its token
// lives, and notes the way out that gets it.
func (g *grip) begin(ctx context.Context, route string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.m.Route = route
	held, err := g.outbox.Store.HandOver(ctx, g.m, route)
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
	held, err := g.outbox.Store.HoldMessage(ctx, g.m, until)
	if err != nil {
		g.outbox.Log.Warn("lease of a message", "id", g.m.ID, "error", err)
	}
	if held {
		g.m.Claimed = until
	}
}
