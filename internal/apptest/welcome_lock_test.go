package apptest

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"countersign/internal/admin"
	"countersign/internal/store"
)

// Choosing a first password waits for a concurrent change of the user on another node: a user who
// is disabled in between gets no password.
func TestFirstPasswordsAtOnce(t *testing.T) {
	h := Open(t, PostgreSQL(t))
	ctx := context.Background()
	u, err := h.Admin.AddUser(ctx, h.Visit(), Operator, admin.NewUser{Login: "NEWMAN", Name: "Paul Newman", Email: "newman@demo.example"})
	if err != nil {
		t.Fatal(err)
	}
	link := ""
	for line := range strings.Lines(h.Mail("newman@demo.example")[0].Text) {
		if found, ok := strings.CutPrefix(strings.TrimSpace(line), publicURL); ok && strings.HasPrefix(found, "/welcome?link=") {
			link = found
		}
	}
	b := h.Browser("192.0.2.10", Chrome)
	b.Get(link)
	answer := make(chan *Page, 1)
	err = h.Node().DB.In(ctx, h.Agency.ID, func(tx *store.Tx) error {
		locked, err := tx.LockUser(ctx, u.ID)
		if err != nil {
			return err
		}
		go func() {
			answer <- b.Send("/welcome", "link", strings.TrimPrefix(link, "/welcome?link="), "new_password", "a first password of many words")
		}()
		c := &crowd{h: h}
		for c.waiting(t) == 0 {
			continue // until it waits for the user
		}
		locked.Disabled = true
		return tx.SaveUser(ctx, locked)
	})
	if err != nil {
		t.Fatal(err)
	}
	if p := <-answer; p.Status != http.StatusGone {
		t.Errorf("a disabled user chose a password: %d %s", p.Status, p.Text())
	}
}
