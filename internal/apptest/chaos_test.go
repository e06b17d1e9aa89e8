package apptest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"countersign"
	"countersign/internal/apptest"
	"countersign/internal/outbox"
	"countersign/internal/pgtest"
	"countersign/internal/store"
)

// A moody mail server accepts, refuses for a while, hangs after it accepted a mail, and is slow. It
// keeps what it accepted, and when.
type moody struct {
	mu    sync.Mutex
	mood  int
	taken map[countersign.MessageID]int
	late  []countersign.MessageID // tokens that arrived after they expired
}

// The moods, one after the other.
const (
	moodGood = iota
	moodAway
	moodSilent
	moodSlow
	moods
)

func (s *moody) turn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mood = (s.mood + 1) % moods
}

func (s *moody) Send(ctx context.Context, l outbox.Outgoing) (outbox.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.mood {
	case moodAway:
		return outbox.Receipt{}, &outbox.Refusal{Server: "mail.acme.example", Answer: "it can't be reached"}
	case moodSlow:
		time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
	}
	if ctx.Err() != nil {
		return outbox.Receipt{}, ctx.Err() // the node died while it sent the message
	}
	s.taken[l.ID]++
	if l.Kind == countersign.MessageToken && l.Life <= 0 {
		s.late = append(s.late, l.ID)
	}
	if s.mood == moodSilent && rand.IntN(2) == 0 {
		return outbox.Receipt{}, &outbox.Refusal{Server: "mail.acme.example", Answer: "no answer", MaybeTaken: true, Route: "mail.acme.example"}
	}
	return outbox.Receipt{Server: "mail.acme.example", Answer: "250 OK"}, nil
}

// Sign-ins over three nodes on PostgreSQL while the mail server fails, hangs, slows and returns,
// and a node dies and is replaced: every token was accepted by the server, or dropped when it
// expired, with a clear state on its row. None was sent after it expired, and none is lost. 5,000
// sign-ins in make soak, 90 otherwise.
func TestChaos(t *testing.T) {
	signIns := 90
	if os.Getenv("COUNTERSIGN_SOAK") != "" {
		signIns = 5000
	}
	h := apptest.Open(t, pgtest.DSN(t))
	server := &moody{taken: map[countersign.MessageID]int{}}
	nodes := []*apptest.App{h, h.Node(), h.Node()}
	users := make([]string, 30)
	for i := range users {
		users[i] = fmt.Sprintf("USER%02d", i)
		h.User(users[i])
	}
	h.Outbox.Mail = server
	started := time.Now()
	for done := 0; done < signIns; {
		for i, n := range nodes {
			n.Outbox.Mail = server
			var asked []*apptest.Browser
			for range 3 {
				b := n.Browser(fmt.Sprintf("192.0.2.%d", done%200+10), apptest.Chrome)
				login := users[done%len(users)]
				b.SignIn(login)
				b.Post("/set-up/email", "email", fmt.Sprintf("user%02d@demo.example", done%len(users)))
				asked = append(asked, b)
				done++
			}
			if i == 2 && done%4 == 1 {
				die(t, n, server)
			} else {
				deliver(t, n)
			}
			for _, b := range asked {
				answered(t, b.Get("/set-up/email"))
			}
		}
		if done%3 == 0 {
			server.turn()
		}
		for _, n := range nodes {
			n.Pass(20 * time.Second) // all clocks together
		}
		if done%(len(users)) == 0 {
			for _, n := range nodes {
				n.Pass(2 * time.Hour) // the hourly sending limits restart
			}
		}
	}
	server.mu.Lock()
	server.mood = moodGood
	server.mu.Unlock()
	for range 20 {
		for _, n := range nodes {
			n.Pass(time.Minute)
			deliver(t, n)
		}
	}
	judge(t, h, server, signIns, time.Since(started))
}

// answered wants a page that tells the user where the token is, or why there is none.
func answered(t *testing.T, p *apptest.Page) {
	t.Helper()
	for _, says := range []string{"Accepted by mail.acme.example", "Waiting for the mail server", "Mail is delayed", "No token was sent", "Ten tokens were sent to you", "Your token has expired"} {
		if p.Status == 200 && p.Says(says) {
			return
		}
	}
	t.Errorf("no clear answer: %d %s", p.Status, p.Text())
}

// deliver makes a node send what is due.
func deliver(t *testing.T, n *apptest.App) {
	t.Helper()
	for range 4 {
		k, err := n.Outbox.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if k == 0 {
			return
		}
	}
}

// A deadly server kills its node while it sends a message: after it accepted the message, or
// before.
type deadly struct {
	*moody
	end context.CancelFunc
}

func (d deadly) Send(ctx context.Context, l outbox.Outgoing) (outbox.Receipt, error) {
	if rand.IntN(2) == 0 {
		d.end()
	}
	receipt, err := d.moody.Send(ctx, l)
	d.end()
	return receipt, err
}

// die runs a node that is killed while it delivers: it saves nothing any more, and the others take
// over when its leases expire.
func die(t *testing.T, n *apptest.App, server *moody) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n.Outbox.Mail = deadly{server, cancel}
	_, _ = n.Outbox.Poll(ctx) // errors are the point of this
	n.Outbox.Mail = server
}

// judge compares the rows with what the server has.
func judge(t *testing.T, h *apptest.App, s *moody, signIns int, took time.Duration) {
	t.Helper()
	states := map[countersign.MessageState]int{}
	tokens, twice := 0, 0
	err := h.DB.Read(t.Context(), h.Agency.ID, func(tx *store.Tx) error {
		for after := ""; ; {
			page, err := tx.MessageList(t.Context(), store.MessageQuery{Kind: countersign.MessageToken, After: after, Limit: 1000})
			if err != nil {
				return err
			}
			for _, m := range page.Rows {
				tokens++
				states[m.State]++
				if m.State == countersign.StateSent && s.taken[m.ID] == 0 {
					t.Errorf("%s is called sent, and the server has not got it", m.ID)
				}
				if s.taken[m.ID] > 1 {
					twice++
				}
			}
			if after = page.Next; after == "" {
				return nil
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if states[countersign.StateSent]+states[countersign.StateDropped] != tokens || tokens == 0 {
		t.Errorf("%d tokens, of which %v", tokens, states)
	}
	if len(s.late) > 0 {
		t.Errorf("%d tokens were sent when they were dead", len(s.late))
	}
	t.Logf("%d sign-ins, %d tokens: %d sent, %d dropped dead, %d handed over more than once; %v", signIns, tokens,
		states[countersign.StateSent], states[countersign.StateDropped], twice, took.Round(time.Second))
}
