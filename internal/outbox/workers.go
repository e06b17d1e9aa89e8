package outbox

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"countersign"
	"countersign/internal/store"
)

// How many messages of a channel are handed over at once.
const (
	maxWorkers    = 16
	maxSlow       = 10 // of them letters, and tokens that were tried before: the others are kept for fresh tokens
	otherMessages = 6  // of them letters: the others are kept for tokens
	maxPatient    = 48 // that a server has kept waiting for long, besides
)

// long is after which time a server has kept a message waiting for long: what
// waits then, as RFC 5321 lets it, makes room for others.
const long = 15 * time.Second

// drainTimeout is how long a node that is told to end goes on with what it has in
// its hands, so that it can write down what became of it.
const drainTimeout = 10 * time.Second

// The workers of one channel hand its messages over. A server that hangs keeps the
// hand that waits for it for a while; letters, and tokens on which it hung before,
// never keep all of them.
type workers struct {
	all     chan struct{}
	slow    chan struct{}
	other   chan struct{}
	patient map[bool]chan struct{} // by whether they are tokens
	long    time.Duration
	busy    sync.WaitGroup
}

func newWorkers(wait time.Duration) *workers {
	return &workers{all: make(chan struct{}, maxWorkers), slow: make(chan struct{}, maxSlow), other: make(chan struct{}, otherMessages), long: wait,
		patient: map[bool]chan struct{}{true: make(chan struct{}, maxPatient), false: make(chan struct{}, maxPatient)}}
}

// of are the hands that a message of a class keeps.
func (h *workers) of(class store.Class) []chan struct{} {
	switch class {
	case store.ClassFreshTokens:
		return []chan struct{}{h.all}
	case store.ClassTriedTokens:
		return []chan struct{}{h.all, h.slow}
	default:
		return []chan struct{}{h.all, h.slow, h.other}
	}
}

// available is how many messages can be taken now.
func (h *workers) available(class store.Class) int {
	free := maxWorkers
	for _, kept := range h.of(class) {
		free = min(free, cap(kept)-len(kept))
	}
	return free
}

// run lets a hand do its work. A hand that is kept for long is replaced, as
// long as there are not too many of these.
func (h *workers) run(class store.Class, work func(), again func()) {
	for _, kept := range h.of(class) {
		kept <- struct{}{}
	}
	giveBack := sync.OnceFunc(func() {
		for _, kept := range h.of(class) {
			<-kept
		}
	})
	patient, waits := h.patient[class != store.ClassOther], make(chan bool, 1)
	timer := time.AfterFunc(h.long, func() {
		select {
		case patient <- struct{}{}:
			waits <- true
			giveBack()
			again()
		default:
			waits <- false
		}
	})
	h.busy.Go(func() {
		work()
		if !timer.Stop() && <-waits {
			<-patient
		}
		giveBack()
		again()
	})
}

// loop hands over the messages of one channel until ctx ends; what it has in its
// hands then has until work ends.
func (o *Outbox) loop(ctx, work context.Context, c countersign.Channel) {
	h := newWorkers(cmp.Or(o.Long, long))
	defer h.busy.Wait()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	trouble := logOnChange{log: o.Log, what: "messages that wait can't be read"}
	for {
		if err := o.dispatch(ctx, work, c, h); ctx.Err() == nil {
			trouble.about(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-o.wakeChannel(c):
		}
	}
}

// dispatch gives what is due to the hands that are free: tokens that were never
// tried, tokens that were, then letters.
func (o *Outbox) dispatch(ctx, work context.Context, c countersign.Channel, h *workers) error {
	for _, class := range []store.Class{store.ClassFreshTokens, store.ClassTriedTokens, store.ClassOther} {
		claimed, err := o.claim(ctx, h.available(class), class, c)
		if err != nil {
			return err
		}
		for _, m := range claimed {
			h.run(class, func() {
				if err := o.deliver(work, m); err != nil && work.Err() == nil {
					o.Log.Error("outbox", "message", m.ID, "error", err)
				}
			}, func() { o.wake(c) })
		}
	}
	return nil
}

// A logOnChange is made once, and taken back once: a database that is away would
// fill the log by the second.
type logOnChange struct {
	log  *slog.Logger
	what string
	made bool
}

func (c *logOnChange) about(err error) {
	switch {
	case err != nil && !c.made:
		c.log.Error(c.what, "error", err)
	case err == nil && c.made:
		c.log.Info("over: " + c.what)
	}
	c.made = err != nil
}
