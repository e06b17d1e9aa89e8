package apptest

import (
	"net/http"
	"strings"
	"testing"

	"countersign"
)

// TH-07: a user ID that is too long is refused beside its field, before a try is counted, on a
// limited network as well, and stays in the form.
func TestALongUserID(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Get("/sign-in")
		long := strings.Repeat("B", countersign.MaxTypedLength+1)
		p := b.Post("/sign-in", "user_id", long, "password", Password)
		wantAt(t, p, 422, "/sign-in", "That's too long for a user ID.")
		if p.Value("user_id") != long {
			t.Error("what was typed is lost")
		}
		b.Get("/sign-in")
		if p := b.Send("/sign-in", "user_id", strings.Repeat("\u1e9e\u0323", 52_000), "password", Password); p.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("261 KB: %d", p.Status)
		}
		if n := kept(h, "guess") + kept(h, "lane"); n != 0 {
			t.Errorf("%d rows are kept", n)
		}
	})
}

// TH-07: input that is too long for a user ID is not normalized: its folded form belongs to no
// user.
func TestFoldingIsBound(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("\u1e9e\u0323", 52_000)
	if got := countersign.FoldLogin(long); got != " " || countersign.CheckLogin(got) == nil {
		t.Errorf("%.20q", got)
	}
	widest := strings.Repeat("\U0001d401", 64) // the longest spelling of a user ID of 64 letters
	if got := countersign.FoldLogin("  " + widest + strings.Repeat(" ", 300)); got != strings.Repeat("b", 64) {
		t.Errorf("%q", got)
	}
}
