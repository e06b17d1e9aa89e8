package outbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign"
	"countersign/internal/mtatest"
	"countersign/internal/outbox"
	"countersign/internal/pgtest"
	"countersign/internal/secret"
	"countersign/internal/store"
)

var noon = time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)

// A clock is set by the test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A sender does what the test says.
type sender struct {
	mu   sync.Mutex
	sent []string
	err  func(try int) error
	n    int
}

func (s *sender) Send(_ context.Context, l outbox.Outgoing) (outbox.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	if s.err != nil {
		if err := s.err(s.n); err != nil {
			return outbox.Receipt{}, err
		}
	}
	s.sent = append(s.sent, string(l.ID))
	return outbox.Receipt{Server: "mail.acme.example", Answer: "250 OK"}, nil
}

// tries returns how many tries it has finished.
func (s *sender) tries() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// each runs a test on both engines with an agency and an outbox.
func each(t *testing.T, f func(t *testing.T, db *store.DB, o *outbox.Outbox, s *sender, c *clock)) {
	t.Helper()
	for engine, url := range map[string]func(*testing.T) string{
		"SQLite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "test.db") },
		"PostgreSQL": func(t *testing.T) string { return pgtest.DSN(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			master, err := secret.NewMaster()
			if err != nil {
				t.Fatal(err)
			}
			db, err := store.Open(t.Context(), url(t), master.Box())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			err = db.AddAgency(t.Context(), countersign.Agency{ID: "a", Code: "A", Name: "Acme", Created: noon}, func(*store.Tx) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			s, c := &sender{}, &clock{now: noon}
			o := &outbox.Outbox{Store: db, Mail: s, From: "x@acme.example", Log: slog.New(slog.DiscardHandler), Now: c.Now,
				URL: func(countersign.Agency) string { return "https://login.acme.example" }}
			f(t, db, o, s, c)
		})
	}
}

func add(t *testing.T, db *store.DB, m countersign.Message) {
	t.Helper()
	if m.Kind == "" {
		m.Kind = countersign.MessageTest
	}
	if m.Channel == "" {
		m.Channel = countersign.ChannelEmail
	}
	m.To, m.Created, m.Data = "b@acme.example", noon, map[string]string{"Token": "344078", "At": "0"}
	if m.Due.IsZero() {
		m.Due = noon
	}
	if err := db.In(t.Context(), "a", func(tx *store.Tx) error { return tx.AddMessage(t.Context(), m) }); err != nil {
		t.Fatal(err)
	}
}

func message(t *testing.T, db *store.DB, id countersign.MessageID) (m countersign.Message) {
	t.Helper()
	err := db.Read(t.Context(), "a", func(tx *store.Tx) (err error) {
		m, err = tx.Message(t.Context(), id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func poll(t *testing.T, o *outbox.Outbox) int {
	t.Helper()
	n, err := o.Poll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A sent message keeps its outcome and nothing of its content.
func TestSent(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, s *sender, c *clock) {
		add(t, db, countersign.Message{ID: "m"})
		poll(t, o)
		m := message(t, db, "m")
		if m.State != countersign.StateSent || m.Server != "mail.acme.example" || m.Answer != "250 OK" || !m.Done.Equal(noon) || m.Data != nil {
			t.Errorf("%+v", m)
		}
		if n := poll(t, o); n != 0 {
			t.Errorf("%d sent again", n)
		}
	})
}

// A temporary failure is retried, each time later; a permanent one is not.
func TestTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, s *sender, c *clock) {
		s.err = func(try int) error {
			if try < 3 {
				return &outbox.Refusal{Server: "mail.acme.example", Answer: "451 later"}
			}
			return nil
		}
		add(t, db, countersign.Message{ID: "m"})
		poll(t, o)
		m := message(t, db, "m")
		if m.State != countersign.StateWaiting || m.Answer != "451 later" || !m.Due.After(noon) {
			t.Fatalf("after one try: %+v", m)
		}
		if n := poll(t, o); n != 0 {
			t.Error("tried again at once")
		}
		for range 10 {
			c.Pass(time.Minute)
			poll(t, o)
		}
		if m := message(t, db, "m"); m.State != countersign.StateSent || m.Tries != 3 {
			t.Errorf("at the end: %+v", m)
		}
		s.err = func(int) error {
			return &outbox.Refusal{Server: "mail.acme.example", Answer: "550 no such user", Permanent: true}
		}
		add(t, db, countersign.Message{ID: "n"})
		poll(t, o)
		if m := message(t, db, "n"); m.State != countersign.StateRefused || m.Answer != "550 no such user" {
			t.Errorf("refused for good: %+v", m)
		}
	})
}

// An expired or replaced token is never sent; tokens are sent before other messages; messages
// of a channel that is not set up wait.
func TestTokens(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, s *sender, c *clock) {
		token := countersign.Message{Kind: countersign.MessageToken, Urgent: true, Reference: "KX", Expires: noon.Add(2 * time.Minute)}
		dead := token
		dead.ID, dead.Expires = "dead", noon
		add(t, db, dead)
		replaced := token
		replaced.ID = "replaced"
		add(t, db, replaced)
		if err := db.In(t.Context(), "a", func(tx *store.Tx) error { return tx.DropToken(t.Context(), "replaced", noon) }); err != nil {
			t.Fatal(err)
		}
		text := token
		text.ID, text.Channel = "text", countersign.ChannelSMS
		add(t, db, text)
		for i := range 20 {
			add(t, db, countersign.Message{ID: countersign.MessageID(fmt.Sprintf("letter%02d", i)), Due: noon.Add(-time.Hour)})
		}
		alive := token
		alive.ID = "alive"
		add(t, db, alive)
		poll(t, o)
		if !strings.Contains(strings.Join(s.sent, " "), "alive") {
			t.Errorf("the token waits behind letters: %v", s.sent)
		}
		for poll(t, o) > 0 {
		}
		if len(s.sent) != 21 {
			t.Errorf("%d sent, want 21: %v", len(s.sent), s.sent)
		}
		for id, want := range map[countersign.MessageID]countersign.MessageState{"dead": countersign.StateDropped, "replaced": countersign.StateDropped, "text": countersign.StateWaiting} {
			if m := message(t, db, id); m.State != want {
				t.Errorf("%s is %s, want %s", id, m.State, want)
			}
		}
	})
}

// A message of a node that dies while sending it goes to another node.
func TestLease(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, s *sender, c *clock) {
		add(t, db, countersign.Message{ID: "m"})
		claimed, err := db.ClaimMessages(t.Context(), noon, store.Claim{Channels: []countersign.Channel{countersign.ChannelEmail}, Lease: time.Minute, Limit: 10})
		if err != nil || len(claimed) != 1 {
			t.Fatalf("%v %v", claimed, err)
		}
		if n := poll(t, o); n != 0 {
			t.Error("taken from a living node")
		}
		c.Pass(time.Minute)
		if n := poll(t, o); n != 1 {
			t.Error("not taken from a dead node")
		}
		claimed[0].State = countersign.StateRefused // the dead node comes back
		if err := db.FinishMessage(t.Context(), claimed[0]); err != nil {
			t.Fatal(err)
		}
		if m := message(t, db, "m"); m.State != countersign.StateSent {
			t.Errorf("the node that came back wrote over it: %s", m.State)
		}
	})
}

// A slow server does not cost a node its message: the lease is renewed.
func TestSlowServerKeepsItsMessage(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, s *sender, c *clock) {
		add(t, db, countersign.Message{ID: "m"})
		s.err = func(int) error {
			before := message(t, db, "m").Claimed
			for i := 0; i < 200 && message(t, db, "m").Claimed.Equal(before); i++ {
				c.Pass(time.Second)
				time.Sleep(50 * time.Millisecond)
			}
			if n, err := db.ClaimMessages(t.Context(), c.Now(), store.Claim{Channels: []countersign.Channel{countersign.ChannelEmail}, Lease: time.Minute, Limit: 10}); err != nil || len(n) != 0 {
				t.Errorf("taken from a node that is sending: %v %v", n, err)
			}
			return nil
		}
		poll(t, o)
		if m := message(t, db, "m"); m.State != countersign.StateSent {
			t.Errorf("at the end: %s", m.State)
		}
	})
}

// Six outboxes at once send each of 120 messages once.
func TestEachOnce(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, s *sender, c *clock) {
		for i := range 120 {
			add(t, db, countersign.Message{ID: countersign.MessageID(fmt.Sprintf("m%03d", i))})
		}
		var all sync.WaitGroup
		for range 6 {
			other := &outbox.Outbox{Store: db, Mail: s, From: o.From, Log: o.Log, Now: c.Now, URL: o.URL}
			all.Go(func() {
				for {
					n, err := other.Poll(t.Context())
					if err != nil {
						t.Error(err)
					}
					if n == 0 || err != nil {
						return
					}
				}
			})
		}
		all.Wait()
		for poll(t, o) > 0 {
		}
		seen := map[string]int{}
		for _, id := range s.sent {
			seen[id]++
		}
		if len(seen) != 120 || len(s.sent) != 120 {
			t.Errorf("%d messages, %d sendings, want 120 and 120", len(seen), len(s.sent))
		}
	})
}

// A gateway gets a signed body, and each of its answers has the right outcome.
func TestWebhook(t *testing.T) {
	answers := []struct {
		name      string
		status    int
		kind      string
		body      string
		want      string // "sent", "final", "later"
		permanent bool
	}{
		{"accepted", 202, "application/json", "{}", "sent", false},
		{"a web page", 200, "text/html", "<p>Login</p>", "later", false},
		{"no such number", 400, "application/json", "no", "final", true},
		{"too many", 429, "text/plain", "slow down", "later", false},
		{"down", 503, "text/plain", "", "later", false},
		{"elsewhere", 302, "text/plain", "", "later", false},
	}
	for _, tt := range answers {
		t.Run(tt.name, func(t *testing.T) {
			gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				var got map[string]string
				if err := json.Unmarshal(body, &got); err != nil || got["to"] != "+16145550112" || got["text"] != "hello" || got["reference"] != "KX" {
					t.Errorf("body %s", body)
				}
				if r.Header.Get("Countersign-Signature") != outbox.Sign([]byte("s3cret"), body) || r.Header.Get("Idempotency-Key") != "m1" || r.URL.Query().Has("secret") {
					t.Errorf("headers %v, address %s", r.Header, r.URL)
				}
				w.Header().Set("Content-Type", tt.kind)
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			defer gateway.Close()
			h, err := outbox.ParseWebhook("webhook+" + gateway.URL + "/sms?secret=s3cret&account=7")
			if err != nil {
				t.Fatal(err)
			}
			receipt, err := h.Send(t.Context(), outbox.Outgoing{ID: "m1", To: "+16145550112", Text: "hello", Reference: "KX"})
			var refusal *outbox.Refusal
			switch {
			case tt.want == "sent" && (err != nil || receipt.Server != "127.0.0.1"):
				t.Errorf("%+v %v", receipt, err)
			case tt.want != "sent" && (!errors.As(err, &refusal) || refusal.Permanent != tt.permanent):
				t.Errorf("%v", err)
			}
		})
	}
}

// A test message has no token, but it has a reference, because a gateway may refuse texts
// without one.
func TestWebhookOfATest(t *testing.T) {
	g := mtatest.Gateway(t)
	h, err := outbox.ParseWebhook(g.URL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Send(t.Context(), outbox.Outgoing{ID: "test-1", To: "+16145550112", Text: "This is a test"}); err != nil {
		t.Fatal(err)
	}
	if texts := g.Texts(""); len(texts) != 1 || texts[0].Reference != "TEST" {
		t.Errorf("%+v", texts)
	}
}

func TestParseRoutes(t *testing.T) {
	for _, good := range []string{"smtp://mail.acme.example", "smtp://u:p@mail.acme.example:465?tls=implicit", "smtp://127.0.0.1:2525?tls=none"} {
		if _, err := outbox.ParseSMTP(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "http://mail.acme.example", "smtp://", "smtp://h?tls=maybe", "smtp://h?timeout=3", "smtp://h:99999", "smtp://h/x", "smtp://h?ca=/nowhere", "smtp://h:%zz", "smtp://h?ca=%zz"} {
		if _, err := outbox.ParseSMTP(bad); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if _, err := outbox.ParseSMTP("smtps://mail.acme.example"); err == nil || !strings.Contains(err.Error(), "tls=implicit") {
		t.Errorf("smtps: %v", err)
	}
	for _, bad := range []string{"", "webhook+https://h", "webhook+http://gateway.example/?secret=s", "https://h/?secret=s", "webhook+ftp://h/?secret=s"} {
		if _, err := outbox.ParseWebhook(bad); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
