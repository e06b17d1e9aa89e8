package apptest_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"countersign"
	"countersign/internal/apptest"
	"countersign/internal/outbox"
)

// A catcher keeps messages as they are sent to a server.
type catcher struct {
	mu  sync.Mutex
	all []outbox.Outgoing
}

func (c *catcher) Send(_ context.Context, l outbox.Outgoing) (outbox.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, l)
	return outbox.Receipt{Server: "mail.acme.example", Answer: "250 OK"}, nil
}

// signedBy sends a mail of the agency and returns the key that signs it.
func signedBy(t *testing.T, h *apptest.App, login string) string {
	t.Helper()
	c := &catcher{}
	h.Outbox.Mail = c
	b := h.Browser("192.0.2.10", apptest.Chrome)
	b.SignIn(login)
	b.Post("/set-up/email", "email", "bsmith@demo.example")
	if _, err := h.Outbox.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(c.all) == 0 {
		t.Fatal("nothing was sent")
	}
	return c.all[0].DKIM.Selector
}

// A new key signs nothing until its record is published; then only it signs. Each action is
// audited, and no key is in the audit log.
func TestDKIMKeys(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		h.User("BSMITH")
		ctx := t.Context()
		first, err := h.Admin.NewDKIMKey(ctx, h.Visit(), apptest.Operator, "demo.example")
		if err != nil || first.Selector != "cs1-demo" {
			t.Fatalf("%q %v", first.Selector, err)
		}
		if got := signedBy(t, h, "BSMITH"); got != "" {
			t.Errorf("a key signs before it is published: %s", got)
		}
		if err := h.Admin.SignWith(ctx, h.Visit(), apptest.Operator, "demo.example", "cs1-demo"); err != nil {
			t.Fatal(err)
		}
		h.Pass(apptest.Day)
		if got := signedBy(t, h, "BSMITH"); got != "cs1-demo" {
			t.Errorf("signed by %q", got)
		}
		second, err := h.Admin.NewDKIMKey(ctx, h.Visit(), apptest.Operator, "demo.example")
		if err != nil || second.Selector != "cs2-demo" {
			t.Fatalf("%q %v", second.Selector, err)
		}
		if err := h.Admin.SignWith(ctx, h.Visit(), apptest.Operator, "demo.example", "cs2-demo"); err != nil {
			t.Fatal(err)
		}
		keys, err := h.Admin.DKIMKeys(ctx, h.Visit(), apptest.Operator, "demo.example")
		if err != nil || len(keys) != 2 || !keys[0].Signs || keys[1].Signs || string(keys[0].Private) != string(second.Private) {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		if err := h.Admin.SignWith(ctx, h.Visit(), apptest.Operator, "demo.example", "cs9-demo"); countersign.CodeOf(err) != "dkim.unknown" {
			t.Errorf("an unknown key: %v", err)
		}
		stranger := h.User("CBILLS", countersign.RightUsers)
		if _, err := h.Admin.NewDKIMKey(ctx, h.Visit(), countersign.Actor{User: stranger}, "demo.example"); countersign.KindOf(err) != countersign.KindDenied {
			t.Errorf("without the right: %v", err)
		}
		got := slices.DeleteFunc(h.Events(""), func(line string) bool { return line[:4] != "dkim" })
		if want := []string{"dkim.key_made ok", "dkim.signs ok", "dkim.key_made ok", "dkim.signs ok"}; !slices.Equal(got, want) {
			t.Errorf("audit rows %q", got)
		}
	})
}
