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

// How many messages of a channel are sent at once.
const (
	maxWorkers    = 16
	maxSlow       = 10 // of them tokens tried before and other messages; the rest is reserved for fresh tokens
	otherMessages = 6  // of them messages other than tokens; the rest is reserved for tokens
	maxPatient    = 48 // in addition, messages that a server keeps waiting for long
)

// longAfter is after which time a waiting message gives up its worker's place to others. RFC 5321
// lets servers take much longer.
const longAfter = 15 * time.Second

// drainTimeout is how long a stopping node continues with messages being sent, so that it can
// save their outcome.
const drainTimeout = 10 * time.Second

// The workers of one channel send its messages. An unresponsive server occupies a worker for a
// while. Messages other than tokens, and tokens tried before, never occupy all workers (ADR
// 20).
type workers struct {
	all         chan struct{}
	slow        chan struct{}
	other       chan struct{}
	longRunning map[bool]chan struct{} // by whether they are tokens
	long        time.Duration
	busy        sync.WaitGroup
}

func newWorkers(wait time.Duration) *workers {
	return &workers{all: make(chan struct{}, maxWorkers), slow: make(chan struct{}, maxSlow), other: make(chan struct{}, otherMessages), long: wait,
		longRunning: map[bool]chan struct{}{true: make(chan struct{}, maxPatient), false: make(chan struct{}, maxPatient)}}
}

// semaphores returns the semaphores that a message of a class occupies.
func (w *workers) semaphores(class store.Class) []chan struct{} {
	switch class {
	case store.ClassFreshTokens:
		return []chan struct{}{w.all}
	case store.ClassTriedTokens:
		return []chan struct{}{w.all, w.slow}
	default:
		return []chan struct{}{w.all, w.slow, w.other}
	}
}

// available returns how many messages of a class can be started now.
func (w *workers) available(class store.Class) int {
	free := maxWorkers
	for _, semaphore := range w.semaphores(class) {
		free = min(free, cap(semaphore)-len(semaphore))
	}
	return free
}

// run starts work in a worker. Work that takes longer than w.long gives its place to other
// messages, unless too many do so already. again is called whenever a place becomes free.
func (w *workers) run(class store.Class, work func(), again func()) {
	for _, semaphore := range w.semaphores(class) {
		semaphore <- struct{}{}
	}
	release := sync.OnceFunc(func() {
		for _, semaphore := range w.semaphores(class) {
			<-semaphore
		}
	})
	slow, moved := w.longRunning[class != store.ClassOther], make(chan bool, 1)
	timer := time.AfterFunc(w.long, func() {
		select {
		case slow <- struct{}{}:
			moved <- true
			release()
			again()
		default:
			moved <- false
		}
	})
	w.busy.Go(func() {
		work()
		if !timer.Stop() && <-moved {
			<-slow
		}
		release()
		again()
	})
}

// loop sends the messages of one channel until ctx ends. Messages being sent then have until
// work ends.
func (o *Outbox) loop(ctx, work context.Context, c countersign.Channel) {
	w := newWorkers(cmp.Or(o.Long, longAfter))
	defer w.busy.Wait()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	trouble := logOnChange{log: o.Log, what: "messages that wait can't be read"}
	for {
		if err := o.dispatch(ctx, work, c, w); ctx.Err() == nil {
			trouble.report(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-o.wakeChannel(c):
		}
	}
}

// dispatch gives due messages to available workers: first fresh tokens, then tokens tried
// before, then other messages.
func (o *Outbox) dispatch(ctx, work context.Context, c countersign.Channel, w *workers) error {
	for _, class := range []store.Class{store.ClassFreshTokens, store.ClassTriedTokens, store.ClassOther} {
		claimed, err := o.claim(ctx, w.available(class), class, c)
		if err != nil {
			return err
		}
		for _, m := range claimed {
			w.run(class, func() {
				if err := o.deliver(work, m); err != nil && work.Err() == nil {
					o.Log.Error("deliver message", "id", m.ID, "error", err)
				}
			}, func() { o.wake(c) })
		}
	}
	return nil
}

// A logOnChange logs an error when it begins and once when it is over. Otherwise an
// unavailable database would fill the log.
type logOnChange struct {
	log    *slog.Logger
	what   string
	active bool
}

func (c *logOnChange) report(err error) {
	switch {
	case err != nil && !c.active:
		c.log.Error(c.what, "error", err)
	case err == nil && c.active:
		c.log.Info("over: " + c.what)
	}
	c.active = err != nil
}
