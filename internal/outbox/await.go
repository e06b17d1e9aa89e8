package outbox

import (
	"context"
	"time"

	"countersign"
	"countersign/internal/store"
)

// awaitLimit is how long Await waits for a message: enough for a nearby mail server, short
// enough for a page.
const awaitLimit = 1500 * time.Millisecond

// awaitPolls are the times from the start at which Await reads the message's row, because
// another node may be sending it.
var awaitPolls = []time.Duration{0, 150 * time.Millisecond, 450 * time.Millisecond, time.Second}

// Await waits until a message was sent, refused or dropped, or a try has failed. It returns at
// the latest after awaitLimit, or when ctx ends. A try on this node ends the wait at once. No
// database connection is held during the wait.
func (o *Outbox) Await(ctx context.Context, agency countersign.AgencyID, id countersign.MessageID) {
	o.awaitFor(ctx, awaitLimit, agency, id)
}

func (o *Outbox) awaitFor(ctx context.Context, limit time.Duration, agency countersign.AgencyID, id countersign.MessageID) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done, forget := o.expect(id)
	defer forget()
	start := time.Now()
	for _, at := range awaitPolls {
		timer := time.NewTimer(at - time.Since(start))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-done:
			timer.Stop()
			return
		case <-timer.C:
		}
		if o.settled(ctx, agency, id) {
			return
		}
	}
	select {
	case <-ctx.Done():
	case <-done:
	}
}

// settled reports whether there is nothing to wait for. It also does if the row can't be read:
// the page then shows what it finds.
func (o *Outbox) settled(ctx context.Context, agency countersign.AgencyID, id countersign.MessageID) bool {
	var m countersign.Message
	err := o.Store.Read(ctx, agency, func(tx *store.Tx) (err error) {
		m, err = tx.Message(ctx, id)
		return err
	})
	switch {
	case err != nil:
		return true
	case m.Channel == countersign.ChannelEmail && o.Mail == nil || m.Channel == countersign.ChannelSMS && o.Text == nil:
		return true
	case m.State == countersign.StateWaiting:
		return m.Tries > 0
	case m.State == countersign.StateSending:
		return m.Tries > 1
	default:
		return true
	}
}

// expect returns a channel that is closed when a try of the message has ended on this node.
// Call forget when it is not needed any more.
func (o *Outbox) expect(id countersign.MessageID) (done <-chan struct{}, forget func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.awaited[id]
	if w == nil {
		w = &awaited{done: make(chan struct{})}
		if o.awaited == nil {
			o.awaited = map[countersign.MessageID]*awaited{}
		}
		o.awaited[id] = w
	}
	w.readers++
	return w.done, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if w.readers--; w.readers == 0 && o.awaited[id] == w {
			delete(o.awaited, id)
		}
	}
}

// announce ends the waits for a message: a try of it has ended.
func (o *Outbox) announce(id countersign.MessageID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if w := o.awaited[id]; w != nil {
		close(w.done)
		delete(o.awaited, id)
	}
}

// awaited is a message that requests wait for.
type awaited struct {
	done    chan struct{}
	readers int
}
