package store_test

import (
	"context"
	"testing"
	"time"

	"countersign"
	"countersign/internal/store"
)

// PruneLinks removes expired links and no others; a new link to a session leaves the links to
// others alone.
func TestLinksOfSessions(t *testing.T) {
	each(t, func(p place) {
		p.in(func(ctx context.Context, tx *store.Tx) error {
			for i, digest := range []string{"first", "second"} {
				l := countersign.Link{Digest: digest, User: p.user.ID, Purpose: countersign.LinkUnrecognized, Created: noon, Expires: noon.Add(time.Duration(i+1) * time.Hour)}
				s := countersign.Session{ID: countersign.SessionID("session-" + digest), User: p.user.ID, Device: "device", Proof: countersign.ProofEmail, Started: noon, Expires: noon.Add(time.Hour)}
				if err := tx.AddSession(ctx, s); err != nil {
					return err
				}
				if err := tx.AddSessionLink(ctx, l, s.ID); err != nil {
					return err
				}
			}
			return nil
		})
		if err := p.db.PruneLinks(p.Context(), noon.Add(time.Hour+time.Millisecond)); err != nil {
			p.Fatal(err)
		}
		p.in(func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.Link(ctx, "first"); countersign.KindOf(err) != countersign.KindNotFound {
				p.Errorf("a link that is over stays: %v", err)
			}
			if _, err := tx.Link(ctx, "second"); err != nil {
				p.Errorf("a link that works is gone: %v", err)
			}
			s, err := tx.SessionOfLink(ctx, "second")
			if s.ID != "session-second" {
				p.Errorf("the link leads to session %q", s.ID)
			}
			return err
		})
	})
}
