package outbox_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"countersign"
	"countersign/internal/outbox"
	"countersign/internal/store"
)

// A message that may have been accepted is not sent again within a minute, and then less and
// less often; one that was not accepted is retried in seconds.
func TestWhatMayHaveArrivedIsNotSentAgainSoon(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, s *sender, c *clock) {
		s.err = func(int) error {
			return &outbox.Refusal{Server: "mail.acme.example", Answer: "there was no answer after the mail; it may have arrived", MaybeTaken: true, Route: "mail.acme.example"}
		}
		add(t, db, countersign.Message{ID: "m"})
		for try, gap := range []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour, 12 * time.Hour} {
			poll(t, o)
			if m := message(t, db, "m"); m.Tries != try+1 || m.Due.Before(c.Now().Add(gap)) || m.Due.After(c.Now().Add(gap*5/4)) {
				t.Fatalf("after try %d it waits %v, want %v", m.Tries, m.Due.Sub(c.Now()), gap)
			}
			c.Pass(gap - time.Second)
			if poll(t, o) != 0 {
				t.Fatalf("sent again within %v", gap)
			}
			c.Pass(gap)
		}
	})
}

// If a node dies while the server may have the message, the message waits for a minute; if it
// dies before, the next node sends it at once.
func TestANodeThatDiesInTheMiddle(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, s *sender, c *clock) {
		for _, route := range []string{"", "mail.acme.example"} {
			id := countersign.MessageID("m" + route)
			add(t, db, countersign.Message{ID: id})
			claimed, err := db.ClaimMessages(t.Context(), c.Now(), store.Claim{Channels: []countersign.Channel{countersign.ChannelEmail}, Lease: 10 * time.Second, Limit: 1})
			if err != nil || len(claimed) != 1 {
				t.Fatalf("%v %v", claimed, err)
			}
			if held, err := db.RecordRoute(t.Context(), claimed[0], route, c.Now().Add(time.Minute)); err != nil || !held {
				t.Fatalf("%v %v", held, err)
			}
			c.Pass(15 * time.Second) // the lease has expired
			if n := poll(t, o); (n == 1) != (route == "") {
				t.Errorf("begun with %q: %d messages are sent again after 15 seconds", route, n)
			}
			c.Pass(time.Minute)
			poll(t, o)
			if m := message(t, db, id); m.State != countersign.StateSent {
				t.Errorf("begun with %q: it is %s in the end", route, m.State)
			}
		}
	})
}

// mostLooks is how often the outbox may read the clock before a test gives up: many times what
// it needs. An idle outbox reads it several times a second.
const mostLooks = 400

// looking signals each time that the outbox reads the clock.
func looking(o *outbox.Outbox, c *clock) <-chan struct{} {
	looks := make(chan struct{}, mostLooks)
	o.Now = func() time.Time {
		select {
		case looks <- struct{}{}:
		default:
		}
		return c.Now()
	}
	return looks
}

// Mail that a server keeps waiting for minutes, as RFC 5321 allows, delays neither other mail
// nor tokens.
func TestPatienceKeepsNobodyElseWaiting(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, s *sender, c *clock) {
		release, sent := make(chan struct{}), make(chan countersign.MessageID, 100)
		looks := looking(o, c)
		o.Mail, o.Long = hanging{release, sent}, 10*time.Millisecond
		const hung = 40
		for i := range hung {
			add(t, db, countersign.Message{ID: countersign.MessageID(fmt.Sprintf("hangs%02d", i)), Due: noon.Add(-time.Hour)})
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = o.Run(ctx) })
		add(t, db, countersign.Message{ID: "letter"})
		add(t, db, countersign.Message{ID: "token", Kind: countersign.MessageToken, Urgent: true, Reference: "KX", Expires: noon.Add(10 * time.Minute)})
		o.Wake()
		got := map[countersign.MessageID]bool{}
		for n := 0; n < mostLooks && len(got) < 2; {
			select {
			case id := <-sent:
				got[id] = true
			case <-looks:
				n++
			}
		}
		if !got["letter"] || !got["token"] {
			t.Errorf("after %d looks at the clock only %v went out", mostLooks, got)
		}
		close(release)
		for range hung {
			<-sent
		}
		stop()
		running.Wait()
	})
}
