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
	leaseTime    = 10 * time.Second   // how long a node that dies holds a message; a living one renews it
	renewal      = 3 * time.Second    // how often
	batch        = 8                  // messages that Poll hands over at once
	pollInterval = time.Second        // how often it looks without being woken
	firstGo      = 2 * time.Second    // the wait before the second try; doubled each time
	maxLength    = 15 * time.Minute   // the longest wait between tries
	maxAge       = 3 * 24 * time.Hour // letters without an end of their own

	storeTime = 30 * time.Second // the longest that one step waits for the database
)

// An Outbox delivers the messages of an installation. Many nodes may run one on
// the same database.
type Outbox struct {
	Store  *store.DB
	Mail   Sender // nil: no mail server is set up, mail waits
	Text   Sender // nil: no gateway is set up
	From   string // sender, unless the agency has its own
	URL    func(countersign.Agency) string
	Log    *slog.Logger
	Now    func() time.Time                       // nil: time.Now
	Lookup Lookup                                 // of the DNS, for tests of mail; nil: nobody is asked
	Write  func(context.Context, time.Time) error // writes letters that no request waited for; nil: there are none
	Count  func(countersign.Message)              // told of each try and what became of it; nil: nobody counts
	Long   time.Duration                          // after which a message that a server keeps waiting makes room for others; 0: 15 s

	once  sync.Once
	wakes map[countersign.Channel]chan struct{}

	mu      sync.Mutex
	awaited map[countersign.MessageID]*awaited // what requests wait for
}

// resetRequests is where letters are written; it is woken like a channel.
const resetRequests countersign.Channel = ""

// wakeChannel is what wakes the loop of a channel.
func (o *Outbox) wakeChannel(c countersign.Channel) chan struct{} {
	o.once.Do(func() {
		o.wakes = map[countersign.Channel]chan struct{}{resetRequests: make(chan struct{}, 1), countersign.ChannelEmail: make(chan struct{}, 1), countersign.ChannelSMS: make(chan struct{}, 1)}
	})
	return o.wakes[c]
}

// Wake lets the outbox look at once. It never waits.
func (o *Outbox) Wake() {
	o.wake(resetRequests)
	o.wake(countersign.ChannelEmail)
	o.wake(countersign.ChannelSMS)
}

func (o *Outbox) wake(c countersign.Channel) {
	select {
	case o.wakeChannel(c) <- struct{}{}:
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
// loop of its own: a text gateway that hangs does not keep mail waiting. What is
// being handed over when ctx ends is finished, so that it is not sent again.
func (o *Outbox) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	context.AfterFunc(ctx, func() { time.AfterFunc(drainTimeout, stop) })
	var loops, links sync.WaitGroup
	if routes, ok := o.Text.(*Routes); ok {
		links.Go(func() { routes.Run(work, o.saveReceipts(work)) })
	}
	loops.Go(func() { o.writeResets(ctx) })
	for _, c := range o.channels() {
		loops.Go(func() { o.loop(ctx, work, c) })
	}
	loops.Wait()
	stop()
	links.Wait()
	return nil
}

// writeResets writes what no request waited for, and lets it go out.
func (o *Outbox) writeResets(ctx context.Context) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	trouble := logOnChange{log: o.Log, what: "letters can't be written"}
	for {
		if err := o.writeOnce(ctx); ctx.Err() == nil {
			trouble.about(err) // those that are written go all the same
		}
		o.wake(countersign.ChannelEmail)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-o.wakeChannel(resetRequests):
		}
	}
}

func (o *Outbox) writeOnce(ctx context.Context) error {
	if o.Write == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	return o.Write(ctx, o.now())
}

// claim takes messages of a class that are due.
func (o *Outbox) claim(ctx context.Context, limit int, class store.Class, channels ...countersign.Channel) ([]countersign.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	if limit <= 0 || len(channels) == 0 {
		return nil, nil
	}
	return o.Store.ClaimMessages(ctx, o.now(), store.Claim{Class: class, Channels: channels, Lease: leaseTime, Limit: limit})
}

// Poll takes one batch of messages that are due, tokens first, tries each once,
// and reports how many it took.
func (o *Outbox) Poll(ctx context.Context) (int, error) {
	if err := o.writeOnce(ctx); err != nil {
		o.Log.Error("letters can't be written", "error", err) // those that are written go all the same
	}
	claimed, err := o.claim(ctx, batch, store.AnyMessage, o.channels()...)
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
		open = append(open, countersign.ChannelEmail)
	}
	if o.Text != nil {
		open = append(open, countersign.ChannelSMS)
	}
	return open
}
