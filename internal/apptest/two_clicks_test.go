package apptest

import (
	"testing"
	"time"

	"countersign/internal/store"
)

// TH-02: the second of two clicks with the correct token, counted already while the first one is
// compared, is no wrong token: it was not compared, and does not count for the day or the month.
func TestASecondClickIsNoWrongToken(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) string{"SQLite": SQLite, "PostgreSQL": PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var between Interlude
			h := Open(t, open(t), store.Through(between.Through))
			h.User("BSMITH")
			h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
			h.Pass(2 * time.Hour)
			b := h.Browser("198.51.100.4", Edge)
			wantToken(t, b.SignIn("BSMITH"))
			token := h.Token(bsmith)
			first, in := b.on(h.Node()), false
			first.page = b.page
			between.Once("failures = failures + 1", func() {
				in = first.Send("/sign-in/token", "token", token).Location == "/"
			})
			if p := b.Send("/sign-in/token", "token", token); p.Status != 303 || !in {
				t.Errorf("%d %s, the first click is in: %v", p.Status, p.Location, in)
			}
			if n := kept(h, "guess"); n != 0 {
				t.Errorf("%d guesses are counted", n)
			}
		})
	}
}
