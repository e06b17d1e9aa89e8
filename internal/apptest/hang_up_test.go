package apptest

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign/internal/store"
)

// A guessable is a form that accepts tries, and the way to its page.
type guessable struct {
	name  string
	paid  string                                        // part of the statement that counts the try
	ready func(h *App, b *Browser) (path, field string) // the page of the form is shown afterwards
	wrong func(h *App, b *Browser) string               // an answer that could be correct, but is not
}

func wrongDigits(*App, *Browser) string { return "000000" }

func wrongText(*App, *Browser) string { return wrongPassword }

func wrongCode(*App, *Browser) string { return strings.Repeat("A", 24) }

func wrongKey(h *App, b *Browser) string {
	a := *h.authenticator("CBILLS")
	a.Change = func(s *Statement) { s.Signed = []byte("no signature") }
	return a.Answer(b.page.Options())
}

// session signs BSMITH in, with a recent proof.
func session(h *App, b *Browser) {
	b.SignIn("BSMITH")
	if b.page.Path == "/sign-in/token" {
		b.Post("/sign-in/token", "token", h.Token(bsmith))
	}
}

const tokenPaid, guessPaid = "failures = failures + 1", "INSERT INTO guess"

// guessables are all forms that accept a proof.
var guessables = []guessable{
	{"password", guessPaid, func(_ *App, b *Browser) (string, string) {
		b.Get("/sign-in")
		return "/sign-in", "password"
	}, wrongText},
	{"token", tokenPaid, func(_ *App, b *Browser) (string, string) {
		b.SignIn("BSMITH")
		return "/sign-in/token", "token"
	}, wrongDigits},
	{"app", tokenPaid, func(_ *App, b *Browser) (string, string) {
		b.SignIn("BSMITH")
		b.Post("/sign-in/other-way", "method", "app")
		return "/sign-in/token", "token"
	}, wrongDigits},
	{"recovery code", tokenPaid, func(_ *App, b *Browser) (string, string) {
		b.SignIn("BSMITH")
		b.Post("/sign-in/other-way", "method", "recovery")
		return "/sign-in/token", "recovery_code"
	}, wrongCode},
	{"passkey", tokenPaid, func(_ *App, b *Browser) (string, string) {
		b.SignIn("CBILLS")
		return "/sign-in/token", "credential"
	}, wrongKey},
	{"passkey alone", guessPaid, func(_ *App, b *Browser) (string, string) {
		b.Get("/sign-in")
		return "/sign-in/passkey", "credential"
	}, wrongKey},
	{"enrollment code", "UPDATE enrolment", func(h *App, b *Browser) (string, string) {
		h.code("JJONES")
		b.SignIn("JJONES")
		return "/set-up/code", "enrolment_code"
	}, func(*App, *Browser) string { return strings.Repeat("A", 16) }},
	{"email token of set-up", tokenPaid, func(_ *App, b *Browser) (string, string) {
		b.SignIn("AMOSS")
		b.Post("/set-up/email", "email", "amoss@demo.example")
		return "/set-up/email/token", "token"
	}, wrongDigits},
	{"app token of set-up", tokenPaid, func(h *App, b *Browser) (string, string) {
		b.SignIn("DREED")
		b.Post("/set-up/email", "email", "dreed@demo.example")
		b.Post("/set-up/email/token", "token", h.Token("dreed@demo.example"))
		b.Get("/set-up/app")
		return "/set-up/app", "token"
	}, wrongDigits},
	{"token of a new address", tokenPaid, func(h *App, b *Browser) (string, string) {
		session(h, b)
		b.Get("/profile/email")
		b.Post("/profile/email", "email", "bob@new.example")
		return "/profile/email/token", "token"
	}, wrongDigits},
	{"token of a step-up", tokenPaid, func(h *App, b *Browser) (string, string) {
		session(h, b)
		h.Pass(6 * time.Minute)
		b.Get("/profile")
		b.Post("/profile/default", "default", "app")
		return "/step-up", "token"
	}, wrongDigits},
	{"password of a step-up", guessPaid, func(h *App, b *Browser) (string, string) {
		h.Set("2FA", "Off")
		b.SignIn("EFOX")
		h.Set("2FA", "On")
		h.Pass(6 * time.Minute)
		b.Get("/profile")
		b.Post("/profile/setup-two-factor")
		return "/step-up", "password"
	}, wrongText},
	{"current password", guessPaid, func(h *App, b *Browser) (string, string) {
		session(h, b)
		b.Get("/password/change")
		return "/password/change", "password"
	}, wrongText},
	{"password of a reset", guessPaid, func(h *App, b *Browser) (string, string) {
		session(h, b)
		b.Get("/profile/reset-two-factor")
		return "/profile/reset-two-factor", "password"
	}, wrongText},
}

// interruptible returns an application whose requests can be interrupted between two transactions.
func interruptible(t *testing.T, open func(testing.TB) string) (*App, *Interlude) {
	t.Helper()
	between := &Interlude{}
	h := Open(t, open(t), store.Through(between.Through))
	for _, login := range []string{"BSMITH", "CBILLS", "JJONES", "AMOSS", "DREED", "EFOX"} {
		h.User(login)
	}
	b := h.Browser("192.0.2.10", Chrome)
	b.EnrollApp("BSMITH", "email")
	recoveryCodes(b)
	h.authenticator("CBILLS")
	h.Pass(2 * time.Hour)
	return h, between
}

// counted is what a request has left: the numbers of audit rows, failed tries, and messages.
type counted struct {
	events   []string
	guesses  int
	unpaid   int // counted, and not settled
	letters  int
	attempts string // their failures
}

func countAll(h *App) (c counted) {
	h.T.Helper()
	for _, login := range []string{"BSMITH", "CBILLS", "JJONES", "AMOSS", "DREED", "EFOX", ""} {
		c.events = append(c.events, h.Events(login)...)
	}
	slices.Sort(c.events)
	c.guesses = h.Count(`SELECT count(*) FROM guess WHERE failed`)
	c.unpaid = h.Count(`SELECT count(*) FROM guess WHERE NOT failed`)
	c.letters = len(h.Mail(""))
	c.attempts = strconv.Itoa(h.Count(`SELECT COALESCE(sum(failures), 0) FROM attempt`))
	return c
}

// guessWrong sends a wrong answer, and disconnects after the try is counted or waits for the
// answer.
func guessWrong(t *testing.T, open func(testing.TB) string, g guessable, hangs bool) counted {
	t.Helper()
	h, between := interruptible(t, open)
	b := h.Browser("198.51.100.4", Edge)
	path, field := g.ready(h, b)
	wrong := g.wrong(h, b)
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	paid := false
	b.Context = ctx
	between.Once(g.paid, func() {
		if paid = true; hangs {
			hangUp()
		}
	})
	b.Send(path, "user_id", "BSMITH", "new_password", "another horse and 1 more staple", field, wrong)
	if !paid {
		t.Fatal("nothing was paid for")
	}
	return countAll(h)
}

// TH-08: a wrong answer whose client disconnects once the try is counted is counted once, audited
// and reported like any other, whatever it proves.
func TestHangingUpChangesNothing(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) string{"SQLite": SQLite, "PostgreSQL": PostgreSQL} {
		for _, g := range guessables {
			t.Run(name+"/"+g.name, func(t *testing.T) {
				t.Parallel()
				waits, hangs := guessWrong(t, open, g, false), guessWrong(t, open, g, true)
				if hangs.unpaid != 0 {
					t.Errorf("%d guesses are not settled", hangs.unpaid)
				}
				if !slices.Equal(waits.events, hangs.events) {
					t.Errorf("who waits leaves %d events, and who hangs up %d: %q", len(waits.events), len(hangs.events), hangs.events)
				}
				waits.events, hangs.events = nil, nil
				if waits.guesses != hangs.guesses || waits.letters != hangs.letters || waits.attempts != hangs.attempts {
					t.Errorf("who waits leaves %+v, and who hangs up %+v", waits, hangs)
				}
			})
		}
	}
}

// TH-08: fifty wrong passwords lock the counter and notify the user, though no client waits for an
// answer.
func TestFiftyBrokenOffPasswords(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) string{"SQLite": SQLite, "PostgreSQL": PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, between := interruptible(t, open)
			for range 50 {
				h.Pass(time.Hour)
				b := h.Browser("198.51.100.4", Edge)
				b.Get("/sign-in")
				var hangUp context.CancelFunc
				b.Context, hangUp = context.WithCancel(t.Context())
				between.Once(guessPaid, hangUp)
				b.Send("/sign-in", "user_id", "BSMITH", "password", wrongPassword)
			}
			if n := countEvents(h, "BSMITH", "sign-in.password refused"); n != 50 {
				t.Errorf("%d rows in the audit log, want 50", n)
			}
			if n := countEvents(h, "BSMITH", "throttle.alarm refused"); n != 1 {
				t.Errorf("%d alarms, want 1", n)
			}
			if letterWith(h, bsmith, "Sign-in with your user ID was closed") == "" {
				t.Errorf("no notice was sent: %q", h.Subjects(bsmith))
			}
		})
	}
}

// lastTry returns a browser that has one try left, and the correct token.
func lastTry(t *testing.T, h *App) (b *Browser, token string) {
	t.Helper()
	b = h.Browser("198.51.100.4", Edge)
	b.SignIn("BSMITH")
	token = h.Token(bsmith)
	for range 2 {
		b.Post("/sign-in/token", "token", "000000")
	}
	return b, token
}

// M30, TH-08: of two clicks with the correct token and one try left, the second interrupts the
// first, waits for it, and signs in.
func TestTwoClicksAtOnceOnTheLastTry(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) string{"SQLite": SQLite, "PostgreSQL": PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, between := interruptible(t, open)
			b, token := lastTry(t, h)
			second := b.on(h)
			second.page = b.page
			answers := make(chan *Page, 1)
			var hangUp context.CancelFunc
			b.Context, hangUp = context.WithCancel(t.Context())
			between.Once(tokenPaid, func() {
				hangUp()
				go func() { answers <- second.Send("/sign-in/token", "token", token) }()
			})
			b.Send("/sign-in/token", "token", token)
			if p := <-answers; p.Status != http.StatusSeeOther || p.Location != "/" || admitted([]*Page{p}) != 1 {
				t.Errorf("the second click: %d %s %s", p.Status, p.Location, p.Text())
			}
			if n := countEvents(h, "BSMITH", "sign-in.completed ok"); n != 2 { // the other one is the enrollment
				t.Errorf("%d sign-ins, want 2", n)
			}
			if n := kept(h, "guess WHERE NOT failed"); n != 0 {
				t.Errorf("%d guesses are not settled", n)
			}
		})
	}
}

// M30: while another node compares the last try, no page reports three failures or ends the
// sign-in. When it is settled the correct token signs in.
func TestTheLastTryOnAnotherNode(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) string{"SQLite": SQLite, "PostgreSQL": PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, between := interruptible(t, open)
			b, token := lastTry(t, h)
			elsewhere := b.on(h.Node())
			elsewhere.page = b.page
			var posted, looked *Page
			var hangUp context.CancelFunc
			b.Context, hangUp = context.WithCancel(t.Context())
			between.Once(tokenPaid, func() {
				hangUp()
				posted, looked = elsewhere.Send("/sign-in/token", "token", token), elsewhere.Do("GET", "/sign-in/token", nil)
			})
			b.Send("/sign-in/token", "token", token)
			if posted.Status != http.StatusServiceUnavailable || posted.comeBack() == 0 {
				t.Errorf("posted in between: %d %s %s", posted.Status, posted.Location, posted.Text())
			}
			if looked.Status != http.StatusOK {
				t.Errorf("looked in between: %d %s %s", looked.Status, looked.Location, looked.Text())
			}
			elsewhere.page = looked
			wantIn(t, elsewhere.Post("/sign-in/token", "token", token), "BSMITH")
		})
	}
}

// TH-01: a try that is never settled, because its node has died, counts as wrong after thirty
// seconds, and the sign-in ends.
func TestATryThatNobodySettles(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		h.Pass(2 * time.Hour)
		b, token := lastTry(t, h)
		h.Tamper(`UPDATE attempt SET failures = 3, tried = ` + strconv.FormatInt(h.Now().UnixMilli(), 10))
		if p := b.Send("/sign-in/token", "token", token); p.Status != http.StatusServiceUnavailable {
			t.Errorf("while it may be judged: %d %s", p.Status, p.Text())
		}
		h.Pass(30 * time.Second)
		wantAt(t, b.Post("/sign-in/token", "token", token), 200, "/sign-in", "After three failed attempts")
	})
}
