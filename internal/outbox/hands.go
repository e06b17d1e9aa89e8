package outbox

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"countersign"
)

// How many messages of a channel are handed over at once.
const (
	atOnce = 16
	slowly = 10 // of them letters, and tokens that were tried before: the others are kept for fresh tokens
)

// farewell is how long a node that is told to end goes on with what it has in
// its hands, so that it can write down what became of it.
const farewell = 10 * time.Second

// The hands of one channel hand its messages over. A server that hangs keeps the hand that waits
// for it; letters, and tokens on which it hung before, never keep all of them.
type hands struct {
	all  chan struct{}
	slow chan struct{}
	busy sync.WaitGroup
}

func newHands() *hands {
	return &hands{all: make(chan struct{}, atOnce), slow: make(chan struct{}, slowly)}
}

// free is how many messages can be taken now.
func (h *hands) free(fresh bool) int {
	free := cap(h.all) - len(h.all)
	if !fresh {
		free = min(free, cap(h.slow)-len(h.slow))
	}
	return free
}

// carry lets a hand do its work.
func (h *hands) carry(fresh bool, work func()) {
	h.all <- struct{}{}
	if !fresh {
		h.slow <- struct{}{}
	}
	h.busy.Go(func() {
		defer func() {
			<-h.all
			if !fresh {
				<-h.slow
			}
		}()
		work()
	})
}

// loop hands over the messages of one channel until ctx ends; what it has in its
// hands then has until work ends.
func (o *Outbox) loop(ctx, work context.Context, c countersign.Channel) {
	h := newHands()
	defer h.busy.Wait()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	trouble := complaint{log: o.Log, what: "messages that wait can't be read"}
	for {
		if err := o.handOut(ctx, work, c, h); ctx.Err() == nil {
			trouble.about(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-o.signal(c):
		}
	}
}

// handOut gives what is due to the hands that are free: tokens that were never
// tried, then everything else.
func (o *Outbox) handOut(ctx, work context.Context, c countersign.Channel, h *hands) error {
	for _, fresh := range []bool{true, false} {
		claimed, err := o.claim(ctx, h.free(fresh), fresh, c)
		if err != nil {
			return err
		}
		for _, m := range claimed {
			h.carry(fresh, func() {
				if err := o.deliver(work, m); err != nil && work.Err() == nil {
					o.Log.Error("outbox", "message", m.ID, "error", err)
				}
				o.wake(c)
			})
		}
	}
	return nil
}

// A complaint is made once, and taken back once: a database that is away would
// fill the log by the second.
type complaint struct {
	log  *slog.Logger
	what string
	made bool
}

func (c *complaint) about(err error) {
	switch {
	case err != nil && !c.made:
		c.log.Error(c.what, "error", err)
	case err == nil && c.made:
		c.log.Info("over: " + c.what)
	}
	c.made = err != nil
}
