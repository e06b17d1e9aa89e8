package outbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"countersign"
	"countersign/internal/outbox"
	"countersign/internal/pgtest"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// A taker counts how often it got each message, and signals when it has one.
type taker struct {
	mu    sync.Mutex
	taken map[countersign.MessageID]int
	has   chan struct{} // receives once per message, if the test is waiting
	slow  time.Duration
}

func (s *taker) Send(_ context.Context, l outbox.Outgoing) (outbox.Receipt, error) {
	select {
	case s.has <- struct{}{}:
	default:
	}
	time.Sleep(s.slow)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken[l.ID]++
	return outbox.Receipt{Server: "mail.acme.example", Answer: "250 OK"}, nil
}

func (s *taker) count() (all, twice int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.taken {
		all++
		if n > 1 {
			twice++
		}
	}
	return all, twice
}

// Connections to PostgreSQL are cut, and the server is stopped and started again, while three
// nodes claim messages, send them and save the outcome. Without any help each message is sent
// and saved as sent, and the nodes report that they are not ready while the database is
// unavailable.
func TestTheDatabaseIsLost(t *testing.T) {
	t.Parallel()
	server := pgtest.StartOwn(t)
	dsn := server.DSN(t)
	master, err := secret.NewMaster()
	if err != nil {
		t.Fatal(err)
	}
	s := &taker{taken: map[countersign.MessageID]int{}, has: make(chan struct{}), slow: 10 * time.Millisecond}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	var nodes []*store.DB
	for range 3 {
		db, err := store.Open(ctx, dsn, master.Box())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		if len(nodes) == 0 {
			if err := db.AddAgency(ctx, countersign.Agency{ID: "a", Code: "A", Name: "Acme", Created: noon}, func(*store.Tx) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		nodes = append(nodes, db)
		o := &outbox.Outbox{Store: db, Mail: s, From: "x@acme.example", Log: slog.New(slog.DiscardHandler),
			URL: func(countersign.Agency) string { return "https://login.acme.example" }}
		running.Go(func() { _ = o.Run(ctx) })
	}
	written := 0
	more := func(n int) {
		for range n {
			write(t, nodes[0], countersign.MessageID(fmt.Sprintf("m%04d", written)))
			written++
		}
	}
	for range 5 {
		more(30)
		<-s.has
		server.Cut(t)
	}
	for range 2 {
		more(30)
		<-s.has
		server.Stop(t) // with messages claimed, being sent, and sent but not saved
		for i, db := range nodes {
			if err := db.Ping(ctx); err == nil {
				t.Errorf("node %d calls itself ready", i)
			}
		}
		server.Start(t)
		ready(t, nodes)
	}
	for _, m := range settled(t, nodes[0], written) {
		if m.State != countersign.StateSent {
			t.Errorf("%s is %s: %s", m.ID, m.State, m.Answer)
		}
	}
	all, twice := s.count()
	if all != written {
		t.Errorf("%d of %d messages were sent", all, written)
	}
	t.Logf("%d messages, %d of them more than once", all, twice)
	stop()
	running.Wait()
}

// write adds a message, with as many tries as connections are cut.
func write(t *testing.T, db *store.DB, id countersign.MessageID) {
	t.Helper()
	m := countersign.Message{ID: id, Kind: countersign.MessageTest, Channel: countersign.ChannelEmail, To: "b@acme.example",
		Created: time.Now(), Due: time.Now(), Data: map[string]string{"At": "0"}}
	for tries := 1; ; tries++ {
		err := db.In(t.Context(), "a", func(tx *store.Tx) error { return tx.AddMessage(t.Context(), m) })
		if err == nil {
			return
		}
		if countersign.KindOf(err) != countersign.KindUnavailable || tries > 50 {
			t.Fatalf("people are not told to come back: %v", err)
		}
	}
}

// ready waits until every node can work again.
func ready(t *testing.T, nodes []*store.DB) {
	t.Helper()
	for _, db := range nodes {
		for end := time.Now().Add(3 * time.Minute); db.Ping(t.Context()) != nil; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("a node does not find the database again")
			}
		}
	}
}

// settled waits until no message is waiting, and returns all messages.
func settled(t *testing.T, db *store.DB, n int) []store.MessageRow {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var page store.MessagePage
		var open int
		err := db.Read(t.Context(), "a", func(tx *store.Tx) (err error) {
			page, err = tx.MessageList(t.Context(), store.MessageQuery{Limit: 1000})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Rows {
			if m.State == countersign.StateWaiting || m.State == countersign.StateSending {
				open++
			}
		}
		if open == 0 && len(page.Rows) == n {
			return page.Rows
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d messages wait still, of %d", open, len(page.Rows), n)
		}
	}
}

// The outcome of a message that was accepted while the database was unavailable is saved as
// soon as it is back, and the message is not sent again.
func TestTakenWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	server := pgtest.StartOwn(t)
	master, err := secret.NewMaster()
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), server.DSN(t), master.Box())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.AddAgency(t.Context(), countersign.Agency{ID: "a", Code: "A", Name: "Acme", Created: noon}, func(*store.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	s := &sender{err: func(int) error { server.Stop(t); return nil }}
	o := &outbox.Outbox{Store: db, Mail: s, From: "x@acme.example", Log: slog.New(slog.DiscardHandler),
		URL: func(countersign.Agency) string { return "https://login.acme.example" }}
	add(t, db, countersign.Message{ID: "m"})
	var polling sync.WaitGroup
	polling.Go(func() { poll(t, o) })
	for s.tries() == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	server.Start(t)
	polling.Wait()
	if m := message(t, db, "m"); m.State != countersign.StateSent || s.tries() != 1 {
		t.Errorf("it is %s after %d tries", m.State, s.tries())
	}
}
