package outbox_test

import (
	"context"
	"testing"
	"time"

	"countersign"
	"countersign/internal/outbox"
	"countersign/internal/store"
)

// A latin server answers in Latin-1, with a NUL at the end.
type latin struct{ sent, refused int }

func (s *latin) Send(_ context.Context, l outbox.Outgoing) (outbox.Receipt, error) {
	if l.ID == "refused" {
		s.refused++
		return outbox.Receipt{}, &outbox.Refusal{Server: "post\xe4mter.example", Answer: "550 Empf\xe4nger unbekannt\x00", Permanent: true}
	}
	s.sent++
	return outbox.Receipt{Server: "mail.acme.example", Answer: "250 f\xfcr Sie angenommen\x00", Route: "gateway", Tag: "\xff7\x00"}, nil
}

// Whatever encoding a server answers in, its answer is saved on both engines, and an accepted
// mail is not sent again because of it.
func TestAnswersInAnyLetters(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, _ *sender, c *clock) {
		server := &latin{}
		o.Mail = server
		add(t, db, countersign.Message{ID: "taken"})
		add(t, db, countersign.Message{ID: "refused"})
		for range 3 {
			if _, err := o.Poll(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.Pass(10 * time.Minute) // longer than a lease
		}
		if server.sent != 1 || server.refused != 1 {
			t.Errorf("handed over %d and %d times", server.sent, server.refused)
		}
		if m := message(t, db, "taken"); m.State != countersign.StateSent || m.Answer != "250" || m.Tag != "" {
			t.Errorf("%+v", m)
		}
		if m := message(t, db, "refused"); m.State != countersign.StateRefused || m.Server != "post?mter.example" || m.Answer != "550 (no text: refused)" {
			t.Errorf("%+v", m)
		}
	})
}
