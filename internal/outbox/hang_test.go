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

// A server that hangs keeps only what it has: other mail, and other channels, go
// out meanwhile.
func TestAHangingServerStopsNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, s *sender, c *clock) {
		release, sent := make(chan struct{}), make(chan countersign.MessageID, 10)
		o.Text = hanging{release, sent}
		o.Mail = hanging{release, sent}
		for i := range 9 {
			add(t, db, countersign.Message{ID: countersign.MessageID(fmt.Sprintf("hangs%d", i)), Due: noon.Add(-time.Hour)})
			add(t, db, countersign.Message{ID: countersign.MessageID(fmt.Sprintf("hangs-text%d", i)), Channel: countersign.BySMS, Due: noon.Add(-time.Hour)})
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = o.Run(ctx) })
		add(t, db, countersign.Message{ID: "mail"})
		add(t, db, countersign.Message{ID: "text", Channel: countersign.BySMS})
		o.Wake()
		got := map[countersign.MessageID]bool{<-sent: true, <-sent: true}
		if !got["mail"] || !got["text"] {
			t.Errorf("got %v", got)
		}
		close(release)
		for range 18 {
			<-sent
		}
		stop()
		running.Wait()
	})
}

// A hanging server does so for messages that are named for it.
type hanging struct {
	release chan struct{}
	sent    chan countersign.MessageID
}

func (h hanging) Send(_ context.Context, l outbox.Letter) (outbox.Receipt, error) {
	if strings.HasPrefix(string(l.ID), "hangs") {
		<-h.release
	}
	h.sent <- l.ID
	return outbox.Receipt{Server: "mail.acme.example", Answer: "250 OK"}, nil
}
