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
	atOnce  = 16                 // messages of a channel that are handed over at once
	batch   = 8                  // the same, for Poll
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

	once  sync.Once
	wakes map[countersign.Channel]chan struct{}
}

// desk is where letters are written; it is woken like a channel.
const desk countersign.Channel = ""

// signal is what wakes the loop of a channel.
func (o *Outbox) signal(c countersign.Channel) chan struct{} {
	o.once.Do(func() {
		o.wakes = map[countersign.Channel]chan struct{}{desk: make(chan struct{}, 1), countersign.ByEmail: make(chan struct{}, 1), countersign.BySMS: make(chan struct{}, 1)}
	})
	return o.wakes[c]
}

// Wake lets the outbox look at once. It never waits.
func (o *Outbox) Wake() {
	o.wake(desk)
	o.wake(countersign.ByEmail)
	o.wake(countersign.BySMS)
}

func (o *Outbox) wake(c countersign.Channel) {
	select {
	case o.signal(c) <- struct{}{}:
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
// it certain, the lease makes it survive the death of a node. Each channel has a
// loop of its own: a text gateway that hangs does not keep mail waiting.
func (o *Outbox) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	if routes, ok := o.Text.(*Routes); ok {
		loops.Go(func() { routes.Run(ctx, o.link(ctx)) })
	}
	loops.Go(func() { o.writing(ctx) })
	for _, c := range o.channels() {
		loops.Go(func() { o.loop(ctx, c) })
	}
	loops.Wait()
	return nil
}

// writing writes what no request waited for, and lets it go out.
func (o *Outbox) writing(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		o.write(ctx)
		o.wake(countersign.ByEmail)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-o.signal(desk):
		}
	}
}

func (o *Outbox) write(ctx context.Context) {
	if o.Write == nil {
		return
	}
	if err := o.Write(ctx, o.now()); err != nil && ctx.Err() == nil {
		o.Log.Error("write letters", "error", err) // those that are written go all the same
	}
}

// loop hands over the messages of one channel, so many at once that one server
// that hangs in the middle of a mail does not stop the others.
func (o *Outbox) loop(ctx context.Context, c countersign.Channel) {
	var under sync.WaitGroup
	defer under.Wait()
	hands := make(chan struct{}, atOnce)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		free := atOnce - len(hands)
		claimed, err := o.claim(ctx, free, c)
		if err != nil && ctx.Err() == nil {
			o.Log.Error("outbox", "error", err)
		}
		for _, m := range claimed {
			hands <- struct{}{}
			under.Go(func() {
				if err := o.deliver(ctx, m); err != nil && ctx.Err() == nil {
					o.Log.Error("outbox", "error", err)
				}
				<-hands
				o.wake(c)
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-o.signal(c):
		}
	}
}

// claim takes messages that are due, tokens first.
func (o *Outbox) claim(ctx context.Context, limit int, channels ...countersign.Channel) ([]countersign.Message, error) {
	if limit == 0 || len(channels) == 0 {
		return nil, nil
	}
	return o.Store.ClaimMessages(ctx, o.now(), lease, channels, limit)
}

// Poll takes one batch of messages that are due, tokens first, tries each once,
// and reports how many it took.
func (o *Outbox) Poll(ctx context.Context) (int, error) {
	o.write(ctx)
	claimed, err := o.claim(ctx, batch, o.channels()...)
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
