package outbox_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"countersign"
	"countersign/internal/outbox"
	"countersign/internal/store"
)

// awaiting starts a wait without a practical limit, and returns once the message is expected.
func awaiting(t *testing.T, ctx context.Context, o *outbox.Outbox, id countersign.MessageID) (over <-chan struct{}) {
	t.Helper()
	ended := make(chan struct{})
	go func() { defer close(ended); o.AwaitFor(ctx, time.Hour, "a", id) }()
	for !o.Expects(id) {
		runtime.Gosched()
	}
	return ended
}

// A wait ends when this node tries the message, whatever the outcome, or when the row shows
// what another node did. A client that disconnects ends the wait, and a finished wait leaves
// nothing behind.
func TestAwait(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, s *sender, _ *clock) {
		add(t, db, countersign.Message{ID: "sent"})
		over := awaiting(t, t.Context(), o, "sent")
		poll(t, o)
		<-over

		s.err = func(int) error { return &outbox.Refusal{Server: "mail.acme.example", Answer: "451 later"} }
		add(t, db, countersign.Message{ID: "failed"})
		over = awaiting(t, t.Context(), o, "failed")
		poll(t, o)
		<-over

		other := &outbox.Outbox{Store: db, Mail: s, Log: o.Log} // a node that sends nothing itself
		for _, id := range []countersign.MessageID{"sent", "failed", "unknown"} {
			other.AwaitFor(t.Context(), time.Hour, "a", id)
		}
		add(t, db, countersign.Message{ID: "waits"})
		(&outbox.Outbox{Store: db, Log: o.Log}).AwaitFor(t.Context(), time.Hour, "a", "waits") // no mail server is set up

		ctx, hangUp := context.WithCancel(t.Context())
		over = awaiting(t, ctx, o, "waits")
		hangUp()
		<-over
		o.AwaitFor(t.Context(), time.Millisecond, "a", "waits")
		for _, id := range []countersign.MessageID{"sent", "failed", "waits"} {
			if o.Expects(id) || other.Expects(id) {
				t.Errorf("%s is still expected", id)
			}
		}
	})
}
