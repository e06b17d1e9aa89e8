package outbox

import (
	"context"
	"strings"
	"sync"
	"time"

	"countersign"
)

// inboxSize is how many messages an Inbox keeps.
const inboxSize = 1000

// An Inbox collects mail and text messages instead of sending them. The demo shows them and
// tests read them. The zero value is ready to use.
type Inbox struct {
	Now func() time.Time // nil: time.Now

	mu  sync.Mutex
	all []Mail // newest first
}

// A Mail is one message in an Inbox.
type Mail struct {
	ID      string              `json:"id"`
	At      time.Time           `json:"at"`
	Channel countersign.Channel `json:"channel"`
	To      string              `json:"to"`
	Subject string              `json:"subject"`
	Text    string              `json:"text"`
	HTML    string              `json:"html"`
}

// Send adds a message to the inbox.
func (i *Inbox) Send(_ context.Context, l Outgoing) (Receipt, error) {
	now := time.Now
	if i.Now != nil {
		now = i.Now
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	m := Mail{ID: string(l.ID), At: now().UTC(), Channel: l.Channel, To: l.To, Subject: l.Subject, Text: l.Text, HTML: l.HTML}
	i.all = append([]Mail{m}, i.all[:min(len(i.all), inboxSize-1)]...)
	return Receipt{Server: "the demo's inbox", Answer: "kept"}, nil
}

// List returns the messages to an address or number, newest first; an empty one means all.
func (i *Inbox) List(to string) []Mail {
	i.mu.Lock()
	defer i.mu.Unlock()
	found := []Mail{}
	for _, m := range i.all {
		if to == "" || strings.EqualFold(m.To, to) {
			found = append(found, m)
		}
	}
	return found
}
