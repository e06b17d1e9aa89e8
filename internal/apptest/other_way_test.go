package apptest

import (
	"net/http"
	"testing"
	"time"

	"countersign/internal/store"
)

// TH-02: a token is compared only with the method that the try was counted for. Switching to
// another method between counting and comparison, such as from a passkey, whose tries cost nothing
// beyond the sign-in, gives no free try: the token is not compared, and all three tries are left.
// The same holds in a step-up.
func TestTurningAwayBuysNoGuess(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) string{"SQLite": SQLite, "PostgreSQL": PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var between Interlude
			h := Open(t, open(t), store.Through(between.Through))
			h.User("BSMITH")
			ownBrowser := h.Browser("192.0.2.10", Chrome)
			ownBrowser.EnrollPasskey("BSMITH", "passkey", NewAuthenticator(t))
			h.Pass(2 * time.Hour)
			thief := h.Browser("198.51.100.4", Edge)
			thief.SignIn("BSMITH")
			wantNoGuess(t, h, &between, thief, "/sign-in/token", "/sign-in/other-way")
			ownBrowser.SignIn("BSMITH") // remembered
			ownBrowser.Get("/profile")
			ownBrowser.Post("/profile/default", "default", "email")
			wantNoGuess(t, h, &between, ownBrowser, "/step-up", "/step-up/other-way")
		})
	}
}

// wantNoGuess posts a token to a page that asks for a passkey, and switches to email on another
// node while it is processed. Only what is posted afterwards is compared.
func wantNoGuess(t *testing.T, h *App, between *Interlude, b *Browser, path, otherWay string) {
	t.Helper()
	if b.page.Path != path || b.page.Options() == "" {
		t.Fatalf("no passkey is asked: %s %s", b.page.Path, b.page.Text())
	}
	elsewhere, turned := b.on(h.Node()), false
	elsewhere.page = b.page
	before, paid := countEvents(h, "BSMITH", "token.wrong refused"), kept(h, "guess")
	between.Once("failures = failures + 1", func() {
		turned = elsewhere.Send(otherWay, "method", "email").Status == http.StatusSeeOther
	})
	p := b.Post(path, "token", "000000")
	if !turned {
		t.Error("nothing was turned in between")
	}
	if p.Status != http.StatusUnprocessableEntity || !p.Says("Another way was chosen meanwhile, so this token was not looked at. This did not count as a try.") {
		t.Errorf("%d %s", p.Status, p.Text())
	}
	if n, m := countEvents(h, "BSMITH", "token.wrong refused")-before, kept(h, "guess")-paid; n != 0 || m != 0 {
		t.Errorf("%d tokens were judged, %d paid for", n, m)
	}
	if p = b.Post(path, "token", "000000"); !p.Says("That token is not right. You have 2 tries left.") {
		t.Errorf("%d %s", p.Status, p.Text())
	}
	if n, m := countEvents(h, "BSMITH", "token.wrong refused")-before, kept(h, "guess")-paid; n != 1 || m != 1 {
		t.Errorf("%d tokens were judged, %d paid for, want 1", n, m)
	}
}
