package outbox_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"countersign"
	"countersign/internal/outbox"
	"countersign/internal/store"
)

// Nodes that claim, drop and finish messages at the same time may deadlock on each other's
// rows. None of them gets an error.
func TestNodesBesideEachOther(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, s *sender, c *clock) {
		for i := range 200 {
			m := countersign.Message{ID: countersign.MessageID(fmt.Sprintf("m%03d", (i*37)%200)), Due: noon.Add(time.Duration(i%7) * time.Second)}
			if i%2 == 0 {
				m.Kind, m.Urgent, m.Reference, m.Expires = countersign.MessageToken, i%4 == 0, "KX", noon.Add(time.Duration(20+i%30)*time.Second)
			}
			add(t, db, m)
		}
		var nodes sync.WaitGroup
		for n := range 4 {
			nodes.Go(func() {
				for round := range 40 {
					now := noon.Add(time.Duration(round+n) * time.Second)
					all, err := db.ClaimMessages(t.Context(), now, store.Claim{Channels: []countersign.Channel{countersign.ChannelEmail}, Lease: time.Second, Limit: 50})
					if err != nil {
						t.Error(err)
						return
					}
					for i := range all {
						m := all[(i*13)%len(all)]
						m.State, m.Due = countersign.StateWaiting, now
						if err := db.FinishMessage(t.Context(), m); err != nil {
							t.Error(err)
							return
						}
					}
				}
			})
		}
		nodes.Wait()
	})
}
