package outbox_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign"
	"countersign/internal/outbox"
	"countersign/internal/store"
)

// An unresponsive server delays only its own messages: other mail, and other channels, are
// sent.
func TestAHangingServerStopsNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, s *sender, c *clock) {
		release, sent := make(chan struct{}), make(chan countersign.MessageID, 10)
		o.Text = hanging{release, sent}
		o.Mail = hanging{release, sent}
		for i := range 5 {
			add(t, db, countersign.Message{ID: countersign.MessageID(fmt.Sprintf("hangs%d", i)), Due: noon.Add(-time.Hour)})
			add(t, db, countersign.Message{ID: countersign.MessageID(fmt.Sprintf("hangs-text%d", i)), Channel: countersign.ChannelSMS, Due: noon.Add(-time.Hour)})
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = o.Run(ctx) })
		add(t, db, countersign.Message{ID: "mail"})
		add(t, db, countersign.Message{ID: "text", Channel: countersign.ChannelSMS})
		o.Wake()
		got := map[countersign.MessageID]bool{<-sent: true, <-sent: true}
		if !got["mail"] || !got["text"] {
			t.Errorf("got %v", got)
		}
		close(release)
		for range 10 {
			<-sent
		}
		stop()
		running.Wait()
	})
}

// A hanging server does not answer for messages named hangs….
type hanging struct {
	release chan struct{}
	sent    chan countersign.MessageID
}

func (h hanging) Send(_ context.Context, l outbox.Outgoing) (outbox.Receipt, error) {
	if strings.HasPrefix(string(l.ID), "hangs") {
		<-h.release
	}
	h.sent <- l.ID
	return outbox.Receipt{Server: "mail.acme.example", Answer: "250 OK"}, nil
}

// Mail that the server does not answer, and tokens that failed before, leave six workers for
// fresh tokens, however many they are.
func TestHandsAreKeptForTokens(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, s *sender, c *clock) {
		const tokens, kept = 20, 6
		release, sent := make(chan struct{}), make(chan countersign.MessageID, 200)
		fresh := make(chan countersign.MessageID)
		o.Mail = busyThenHanging{hanging{release, sent}, &sync.Map{}, fresh}
		token := func(id string) countersign.Message {
			return countersign.Message{ID: countersign.MessageID(id), Kind: countersign.MessageToken, Urgent: true, Reference: "KX", Expires: noon.Add(10 * time.Minute)}
		}
		for i := range tokens {
			add(t, db, token(fmt.Sprintf("hangs-token%02d", i)))
		}
		for poll(t, o) > 0 {
		}
		for i := range tokens {
			add(t, db, countersign.Message{ID: countersign.MessageID(fmt.Sprintf("hangs-letter%02d", i))})
		}
		c.Pass(10 * time.Second) // the tokens are due again
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var running sync.WaitGroup
		running.Go(func() { _ = o.Run(ctx) })
		for i := range kept { // each keeps its worker until all have one
			add(t, db, token(fmt.Sprintf("fresh%02d", i)))
			o.Wake()
			select {
			case <-fresh:
			case <-time.After(3 * time.Minute):
				t.Fatalf("fresh tokens have %d hands", i)
			}
		}
		close(release)
		for range kept {
			<-sent
		}
		for range 2 * tokens {
			<-sent
		}
		stop()
		running.Wait()
	})
}

// busyThenHanging is a server that answers "later" to the first try and does not answer the
// second. It does not answer fresh tokens either.
type busyThenHanging struct {
	hanging
	seen  *sync.Map
	fresh chan countersign.MessageID
}

func (b busyThenHanging) Send(ctx context.Context, l outbox.Outgoing) (outbox.Receipt, error) {
	if _, again := b.seen.LoadOrStore(l.ID, true); !again && strings.HasPrefix(string(l.ID), "hangs-token") {
		return outbox.Receipt{}, &outbox.Refusal{Server: "mail.acme.example", Answer: "451 later"}
	}
	if strings.HasPrefix(string(l.ID), "fresh") {
		b.fresh <- l.ID
		<-b.release
	}
	return b.hanging.Send(ctx, l)
}

// A node that is stopping saves the outcome of the messages it is sending, so that the next
// node does not send them again.
func TestANodeThatEndsFinishes(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, s *sender, c *clock) {
		ctx, stop := context.WithCancel(t.Context())
		s.err = func(int) error { stop(); return nil } // stop while the server accepts the mail
		add(t, db, countersign.Message{ID: "m"})
		if err := o.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if m := message(t, db, "m"); m.State != countersign.StateSent {
			t.Errorf("it is %s", m.State)
		}
		c.Pass(time.Hour)
		if n := poll(t, o); n != 0 {
			t.Errorf("sent again: %d", n)
		}
	})
}
