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

// Timing of the outbox.
const (
	leaseTime       = 10 * time.Second   // until another node may take over a message; renewed while it is being sent
	renewInterval   = 3 * time.Second    // interval of renewals
	batchSize       = 8                  // messages that Poll sends at once
	pollInterval    = time.Second        // interval of looking for messages without being woken
	firstRetryDelay = 2 * time.Second    // wait before the second try; doubled each time
	maxRetryDelay   = 15 * time.Minute   // longest wait between tries
	maxAge          = 3 * 24 * time.Hour // of messages without an expiry

	storeTimeout = 30 * time.Second // longest wait for the database in one step
)

// An Outbox delivers the messages of an installation. Many nodes may run one on the same
// database.
type Outbox struct {
	Store  *store.DB
	Mail   Sender // nil: no mail server is set up, mail waits
	Text   Sender // nil: no gateway is set up
	From   string // sender, unless the agency has its own
	URL    func(countersign.Agency) string
	Log    *slog.Logger
	Now    func() time.Time                       // nil: time.Now
	Lookup Lookup                                 // DNS lookups for test mails; nil: none
	Write  func(context.Context, time.Time) error // writes mail that no request waited for; nil: none
	Count  func(countersign.Message)              // called after each try with its outcome; may be nil
	Long   time.Duration                          // after which a slow message no longer occupies a worker's place; 0: 15 s

	once  sync.Once
	wakes map[countersign.Channel]chan struct{}

	mu      sync.Mutex
	awaited map[countersign.MessageID]*awaited // messages that requests wait for
}

// resetRequests names the loop that writes mail for reset requests. It is woken like a
// channel.
const resetRequests countersign.Channel = ""

// wakeChannel returns what wakes the loop of a channel.
func (o *Outbox) wakeChannel(c countersign.Channel) chan struct{} {
	o.once.Do(func() {
		o.wakes = map[countersign.Channel]chan struct{}{resetRequests: make(chan struct{}, 1), countersign.ChannelEmail: make(chan struct{}, 1), countersign.ChannelSMS: make(chan struct{}, 1)}
	})
	return o.wakes[c]
}

// Wake makes the outbox look for messages at once. It never blocks.
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

// Run delivers messages until ctx ends. Waking makes delivery immediate, the ticker makes it
// certain, and the lease lets another node take over if this one dies. Each channel has its
// own loop, so that an unresponsive text gateway does not delay mail. Messages being sent when
// ctx ends are finished, so that they are not sent again.
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

// writeResets writes mail that no request waited for and wakes the mail loop.
func (o *Outbox) writeResets(ctx context.Context) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	trouble := logOnChange{log: o.Log, what: "write mail"}
	for {
		if err := o.writeOnce(ctx); ctx.Err() == nil {
			trouble.report(err) // mail already written is sent anyway
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
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return o.Write(ctx, o.now())
}

// claim claims due messages of a class.
func (o *Outbox) claim(ctx context.Context, limit int, class store.Class, channels ...countersign.Channel) ([]countersign.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if limit <= 0 || len(channels) == 0 {
		return nil, nil
	}
	return o.Store.ClaimMessages(ctx, o.now(), store.Claim{Class: class, Channels: channels, Lease: leaseTime, Limit: limit})
}

// Poll claims one batch of due messages, tokens first, tries each once, and returns how many
// it claimed.
func (o *Outbox) Poll(ctx context.Context) (int, error) {
	if err := o.writeOnce(ctx); err != nil {
		o.Log.Error("write mail", "error", err) // mail already written is sent anyway
	}
	claimed, err := o.claim(ctx, batchSize, store.AnyMessage, o.channels()...)
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

// channels returns the channels that are set up; messages of others wait.
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
