package outbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"countersign"
	"countersign/internal/store"
)

// How the outbox works.
const (
	lease   = 10 * time.Second   // how long a node that dies holds a message; a living one renews it
	renewal = 3 * time.Second    // how often
	batch   = 8                  // messages sent at once
	tick    = time.Second        // how often it looks without being woken
	firstGo = 2 * time.Second    // the wait before the second try; doubled each time
	longest = 15 * time.Minute   // the longest wait between tries
	giveUp  = 3 * 24 * time.Hour // letters without an end of their own
)

// An Outbox delivers the messages of an installation. Many nodes may run one on
// the same database.
type Outbox struct {
	Store *store.DB
	Mail  Sender // nil: no mail server is set up, mail waits
	Text  Sender // nil: no gateway is set up
	From  string // sender, unless the agency has its own
	URL   func(countersign.Agency) string
	Log   *slog.Logger
	Now   func() time.Time                       // nil: time.Now
	Write func(context.Context, time.Time) error // writes letters that no request waited for; nil: there are none

	once sync.Once
	wake chan struct{}
}

func (o *Outbox) signal() chan struct{} {
	o.once.Do(func() { o.wake = make(chan struct{}, 1) })
	return o.wake
}

// Wake lets the outbox look at once. It never waits.
func (o *Outbox) Wake() {
	select {
	case o.signal() <- struct{}{}:
	default:
	}
}

func (o *Outbox) now() time.Time {
	if o.Now != nil {
		return o.Now()
	}
	return time.Now().UTC().Truncate(time.Millisecond)
}

// Run delivers until ctx ends. Being woken makes it immediate, the tick makes
// it certain, the lease makes it survive the death of a node.
func (o *Outbox) Run(ctx context.Context) error {
	var links sync.WaitGroup
	defer links.Wait()
	if routes, ok := o.Text.(*Routes); ok {
		links.Go(func() { routes.Run(ctx, o.link(ctx)) })
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		n, err := o.Poll(ctx)
		if err != nil && ctx.Err() == nil {
			o.Log.Error("outbox", "error", err)
		}
		if n > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-o.signal():
		}
	}
}

// Poll takes one batch of messages that are due, tokens first, tries each once,
// and reports how many it took.
func (o *Outbox) Poll(ctx context.Context) (int, error) {
	if o.Write != nil {
		if err := o.Write(ctx, o.now()); err != nil {
			o.Log.Error("write letters", "error", err) // those that are written go all the same
		}
	}
	channels := o.channels()
	if len(channels) == 0 {
		return 0, nil
	}
	claimed, err := o.Store.ClaimMessages(ctx, o.now(), lease, channels, batch)
	if err != nil {
		return 0, err
	}
	var all sync.WaitGroup
	failed := make([]error, len(claimed))
	for i, m := range claimed {
		all.Go(func() { failed[i] = o.deliver(ctx, m) })
	}
	all.Wait()
	return len(claimed), errors.Join(failed...)
}

// channels are those with a route; messages of the others wait.
func (o *Outbox) channels() []countersign.Channel {
	var open []countersign.Channel
	if o.Mail != nil {
		open = append(open, countersign.ByEmail)
	}
	if o.Text != nil {
		open = append(open, countersign.BySMS)
	}
	return open
}
