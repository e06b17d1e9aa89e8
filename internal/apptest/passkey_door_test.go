package apptest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// open turns sign-in by passkey alone On. BSMITH has a passkey.
func open(h *App) *Authenticator {
	h.T.Helper()
	a := keyed(h)
	h.Set("PASSKEYSIGNIN", "On")
	h.Pass(time.Hour)
	return a
}

// forged returns an authenticator that answers for a, without its private key.
func forged(a *Authenticator) *Authenticator {
	c := a.Clone()
	c.Change = func(s *Statement) { s.Signed = []byte{0x30, 6, 2, 1, 1, 2, 1, 1} }
	return c
}

// stranger returns an authenticator with a passkey that no user has.
func stranger(t *testing.T) *Authenticator {
	t.Helper()
	a := NewAuthenticator(t)
	a.Make(`{"rp":{"id":"localhost"},"user":{"id":"AQID"}}`)
	return a
}

// offers answers the sign-in page with a passkey, and returns the result.
func (b *Browser) offers(a *Authenticator) *Page {
	return b.Post("/sign-in/passkey", "credential", a.Answer(b.Get("/sign-in").Options()))
}

// If a passkey may be the whole sign-in, opening the page stores nothing, however often it is
// opened.
func TestOpeningTheSignInPageKeepsNothing(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		open(h)
		before := dumper(t, h)()
		seen := map[string]bool{}
		for i := range 40 {
			p := h.Browser(fmt.Sprintf("198.51.100.%d", i), Edge).Do([]string{"GET", "HEAD"}[i%2], "/sign-in", nil)
			if p.Status != http.StatusOK || i%2 == 0 && (p.Options() == "" || seen[p.Options()]) {
				t.Fatalf("%d, asked before: %v", p.Status, seen[p.Options()])
			}
			seen[p.Options()] = true
		}
		if changed := before.changes(dumper(t, h)()); len(changed) > 0 {
			t.Errorf("opening the page changed %v", changed)
		}
	})
}

// PK-01: a challenge of one node can be answered on another one that has just started. Of any
// number of equal answers, on all nodes at once, one counts.
func TestPasskeyAloneOnManyNodes(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := open(h)
		b := h.Browser("198.51.100.4", Edge)
		answer := a.Answer(b.Get("/sign-in").Options())
		pages := together(b, []*App{h, h.Node()}, 20, "/sign-in/passkey", func(int) []string { return []string{"credential", answer} })
		if n := admitted(pages); n != 1 {
			t.Errorf("%d sessions", n)
		}
		if textMailed(h, bsmith, "One of your passkeys may have been copied") {
			t.Error("the same answer twice is taken for that of a copy")
		}
		h.Pass(time.Hour)
		b = h.Browser("198.51.100.5", Edge)
		p := b.Get("/sign-in")
		b.House = h.Node()
		if p = b.Post("/sign-in/passkey", "credential", a.Answer(p.Options())); p.Path != "/" || b.Cookie("session") == "" {
			t.Errorf("on another node: %d %s", p.Status, p.Text())
		}
	})
}

// PK-01: an answer to another challenge is rejected: one of a step-up, of another browser, or made
// up, even with the date and the length of a real one.
func TestPasskeyAloneAnswersItsOwnQuestion(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := open(h)
		other := h.Browser("198.51.100.9", Edge)
		half, asked := asks(h)
		questions := map[string]string{
			"another browser's": other.Get("/sign-in").Options(),
			"of a token page":   asked.Options(),
			"made up":           strings.Replace(other.page.Options(), `"challenge":"`, `"challenge":"AAAA`, 1),
			"empty":             `{"challenge":"","rpId":"localhost"}`,
		}
		half.Post("/sign-in/cancel")
		for name, question := range questions {
			h.Pass(time.Hour)
			b := h.Browser("198.51.100.4", Edge)
			b.Get("/sign-in")
			p := b.Post("/sign-in/passkey", "credential", a.Answer(question))
			if p.Status != http.StatusUnprocessableEntity || b.Cookie("session") != "" || !p.Says("That passkey does not sign in here.") {
				t.Errorf("%s: %d %s", name, p.Status, p.Text())
			}
		}
	})
}

// TH-03, TH-04, EN-01: wrong passkeys wait like wrong passwords. Each is counted before it is
// compared, and no row is written for one that waits. The answers are the same for a passkey of a
// user and for an unknown one. The password of the same user does not wait, and the wait is the
// same on every node.
func TestWrongPasskeysAloneWait(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := open(h)
		wrong := []*Authenticator{forged(a), stranger(t)}
		browsers := []*Browser{h.Browser("198.51.100.10", Edge), h.Browser("198.51.100.11", Edge)}
		both := func(judge func(p *Page)) {
			t.Helper()
			var first string
			for i, b := range browsers {
				p := b.offers(wrong[i])
				judge(p)
				got := fmt.Sprint(p.Status, p.Header.Get("Retry-After"), p.Header.Get("Set-Cookie"), refusal.ReplaceAllString(p.Body, ""))
				if i == 0 {
					first = got
				} else if got != first {
					t.Errorf("an unknown passkey is answered differently:\n%s\n%s", got, first)
				}
			}
		}
		refused := func(p *Page) {
			t.Helper()
			if p.Status != http.StatusUnprocessableEntity {
				t.Fatalf("%d %s", p.Status, p.Text())
			}
		}
		for range 5 {
			both(refused)
		}
		for wait := 30 * time.Second; wait <= 2*time.Minute; wait *= 2 {
			rows := len(h.Events(""))
			both(func(p *Page) {
				t.Helper()
				wantWait(t, p, wait, "Too many attempts. You can try again at ", "Several sign-ins with this passkey have failed")
			})
			wantWait(t, h.Browser("198.51.100.77", Edge).on(h.Node()).offers(forged(a)), wait)
			if n := len(h.Events("")); n != rows {
				t.Errorf("%d rows for answers that were not looked at", n-rows)
			}
			h.Pass(wait)
			both(refused)
		}
		wantAt(t, h.Browser("198.51.100.10", Edge).SignIn("BSMITH"), 200, "/sign-in/token")
		h.Pass(time.Hour)
		for i := range 3 { // a correct one is given back and restarts the count; no browser is known here yet
			b := h.Browser(fmt.Sprintf("198.51.100.%d", 20+i), Edge)
			if p := b.offers(a); p.Path != "/" {
				t.Fatalf("a right passkey after %d wrong ones: %d %s", 4*i, p.Status, p.Text())
			}
			for range 4 {
				h.Browser("198.51.100.30", Edge).offers(forged(a))
			}
		}
	})
}

// TH-04, TH-05: passkeys that fail count for their network, together with passwords: the eleventh
// in ten minutes waits, whoever owns it, and so does a password. A browser known for its user has a
// counter of its own.
func TestWrongPasskeysCountForTheirNetwork(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := open(h)
		ownBrowser := h.Browser("198.51.100.20", Chrome)
		if p := ownBrowser.offers(a); p.Path != "/" {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		ownBrowser.SignOut()
		h.Pass(time.Hour)
		for i := range 9 { // as many passkeys as user IDs may fail from one network without a wait
			h.Browser("198.51.100.20", Edge).offers(stranger(t))
			if i == 5 {
				h.User("CBILLS")
				h.Browser("198.51.100.20", Edge).wrong("CBILLS")
			}
		}
		p := h.Browser("198.51.100.20", Edge).offers(stranger(t))
		wantWait(t, p, time.Minute, "sign-ins from your network have failed")
		wantWait(t, h.Browser("198.51.100.20", Edge).SignIn("CBILLS"), time.Minute, "sign-ins from your network have failed")
		if n := strings.Count(strings.Join(h.Events(""), "\n"), "throttle.alarm refused"); n != 1 {
			t.Errorf("%d alarms", n)
		}
		if p := ownBrowser.offers(a); p.Path != "/" {
			t.Errorf("the user's own browser waits for others: %d %s", p.Status, p.Text())
		}
		if p := h.Browser("198.51.100.21", Edge).offers(a); p.Path != "/" {
			t.Errorf("another network waits: %d %s", p.Status, p.Text())
		}
		ownBrowser.SignOut()
		for range 5 {
			ownBrowser.offers(forged(a))
		}
		wantWait(t, ownBrowser.offers(a), 30*time.Second, "Several sign-ins with this passkey have failed")
	})
}

// A sign-in with a passkey alone ends no half sign-in of another user in the same browser: that
// user is warned as always (NT-03).
func TestPasskeyAloneHidesNoHalfSignIn(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := open(h)
		h.User("CBILLS")
		h.Browser("192.0.2.10", Chrome).Enroll("CBILLS")
		h.Pass(2 * time.Hour)
		thief := h.Browser("198.51.100.30", Edge)
		wantToken(t, thief.SignIn("CBILLS"))
		page := thief.Copy("198.51.100.30", Edge)
		if p := page.offers(a); p.Path != "/" {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		h.Pass(10 * time.Minute)
		if err := h.Authn.ExpireAttempts(t.Context(), h.Now()); err != nil {
			t.Fatal(err)
		}
		if n := countSubjects(h, "cbills@demo.example", "Somebody may know your"); n != 1 {
			t.Errorf("%d letters", n)
		}
	})
}

// kept counts the rows of a table.
func kept(h *App, table string) (n int) {
	h.T.Helper()
	if err := h.Raw().QueryRowContext(h.T.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil {
		h.T.Fatal(err)
	}
	return n
}

// An answered challenge leaves one short-lived row, whoever answered; a late answer leaves none.
// All are deleted once their challenges have expired.
func TestAnsweredPasskeysLeaveARow(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		a := open(h)
		before := h.Now()
		h.Browser("198.51.100.40", Edge).offers(a)
		h.Browser("198.51.100.41", Edge).offers(forged(a))
		slow := h.Browser("198.51.100.42", Edge)
		answer := a.Answer(slow.Get("/sign-in").Options())
		h.Pass(5 * time.Minute)
		events := h.Events("")
		slow.Post("/sign-in/passkey", "credential", answer)
		if n := kept(h, "passkey_spent"); n != 2 || !slices.Equal(events, h.Events("")) {
			t.Errorf("%d rows, and %d more events", n, len(h.Events(""))-len(events))
		}
		prune(h, before.Add(5*time.Minute), 2)
		prune(h, before.Add(5*time.Minute+time.Millisecond), 0)
	})
}

func prune(h *App, before time.Time, want int) {
	h.T.Helper()
	if err := h.DB.PruneSpent(h.T.Context(), before); err != nil {
		h.T.Fatal(err)
	}
	if n := kept(h, "passkey_spent"); n != want {
		h.T.Errorf("%d rows after %v, want %d", n, before, want)
	}
}
