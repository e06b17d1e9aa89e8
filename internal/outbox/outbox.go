package outbox

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
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
	Now   func() time.Time // nil: time.Now

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

// deliver tries one message and keeps what became of it.
func (o *Outbox) deliver(ctx context.Context, m countersign.Message) error {
	l, err := o.letter(ctx, m)
	if err != nil {
		return o.again(ctx, m, "", err.Error())
	}
	if !m.Expires.IsZero() && !o.now().Before(m.Expires) {
		m.State, m.Done = countersign.Dropped, o.now()
		return o.Store.FinishMessage(ctx, m)
	}
	sender := o.Mail
	if m.Channel == countersign.BySMS {
		sender = o.Text
	}
	m.Tries++
	release := o.hold(ctx, &m)
	receipt, err := sender.Send(ctx, l)
	release()
	var refusal *Refusal
	switch {
	case err == nil:
		m.State, m.Server, m.Answer, m.Done = countersign.Sent, receipt.Server, receipt.Answer, o.now()
	case errors.As(err, &refusal) && refusal.Permanent:
		m.State, m.Server, m.Answer, m.Done = countersign.Refused, refusal.Server, refusal.Answer, o.now()
	case refusal != nil:
		return o.again(ctx, m, refusal.Server, refusal.Answer)
	default:
		return o.again(ctx, m, "", err.Error())
	}
	o.Log.Info("message", "id", m.ID, "kind", m.Kind, "channel", m.Channel, "state", m.State, "server", m.Server, "tries", m.Tries)
	return o.Store.FinishMessage(ctx, m)
}

// hold renews the lease of a message while it is being handed over, however long
// the server takes, until release is called.
func (o *Outbox) hold(ctx context.Context, m *countersign.Message) (release func()) {
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
			}
			until := o.now().Add(lease)
			held, err := o.Store.HoldMessage(ctx, *m, until)
			if err != nil {
				o.Log.Warn("lease of a message", "id", m.ID, "error", err)
			}
			if held {
				m.Claimed = until
			}
		}
	})
	return func() {
		close(done)
		holding.Wait()
	}
}

// letter renders a message in the name of its agency.
func (o *Outbox) letter(ctx context.Context, m countersign.Message) (Letter, error) {
	a, err := o.Store.Agency(ctx, m.Agency)
	if err != nil {
		return Letter{}, err
	}
	a.URL = o.URL(a)
	var p countersign.Preferences
	err = o.Store.Read(ctx, a.ID, func(tx *store.Tx) (err error) {
		p, err = tx.Preferences(ctx)
		return err
	})
	if err != nil {
		return Letter{}, err
	}
	from := o.From
	if a.MailFrom != "" {
		from = a.MailFrom
	}
	return Render(a, p, m, from)
}

// again lets a message wait for its next try, a little longer each time and
// never in step with others; one that has had its time is given up.
func (o *Outbox) again(ctx context.Context, m countersign.Message, server, answer string) error {
	now := o.now()
	wait := min(firstGo<<min(max(m.Tries-1, 0), 20), longest)
	m.Due = now.Add(wait/2 + rand.N(wait))
	m.State, m.Server, m.Answer = countersign.Waiting, server, answer
	if m.Expires.IsZero() && now.Sub(m.Created) > giveUp {
		m.State, m.Done = countersign.Refused, now
	}
	o.Log.Warn("message waits", "id", m.ID, "kind", m.Kind, "channel", m.Channel, "server", server, "answer", answer, "tries", m.Tries)
	return o.Store.FinishMessage(ctx, m)
}
