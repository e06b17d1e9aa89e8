package main_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/bcrypt"

	"countersign/internal/mtatest"
	"countersign/internal/pgtest"
)

// A storm sets the size of the chaos run: how many sign-ins, how many at once, how long each fault
// lasts, and when it ends even if not all are done. It has one round of faults at least.
type storm struct {
	signIns, users, atOnce int
	fault, calm, most      time.Duration
	patience               time.Duration // how long a user waits for a token
}

func theStorm() storm {
	if os.Getenv("COUNTERSIGN_SOAK") != "" {
		return storm{signIns: 5000, users: 1000, atOnce: 40, fault: 10 * time.Second, calm: 30 * time.Second, most: time.Hour, patience: 3 * time.Minute}
	}
	return storm{signIns: 60, users: 40, atOnce: 8, fault: 2 * time.Second, calm: time.Second, patience: 30 * time.Second} // one round of faults
}

// A town is an installation of three nodes on one PostgreSQL, with a mail server and users.
type town struct {
	*testing.T
	storm
	nodes []*node
	dsn   string
	mta   *mtatest.MTA
	box   *mtatest.Mailbox

	started time.Time

	begun, in, told, again atomic.Int64 // sign-ins; of them with a token; with a clear answer; started again
}

// The real program as three processes on one PostgreSQL, and a real mail server that stops, hangs
// and returns, while users sign in on all nodes by plain HTTP. A node is killed, and database
// connections are cut. Each user signs in with the token from the mailbox or sees what became of
// it. No token arrives after it expired, none is lost, and the database agrees with the mailbox.
// 5,000 sign-ins in make soak.
func TestChaosOverProcesses(t *testing.T) {
	c := openTown(t)
	c.started = time.Now()
	var people sync.WaitGroup
	var over atomic.Bool
	for i := range c.atOnce {
		people.Go(func() { c.people(i, &over) })
	}
	c.faults(&over)
	people.Wait()
	c.settle()
	c.judge(time.Since(c.started))
}

func openTown(t *testing.T) *town {
	t.Helper()
	c := &town{T: t, storm: theStorm(), dsn: pgtest.DSN(t), mta: mtatest.Start(t)}
	c.box = c.mta.Mailbox()
	binary, data, port := build(t), t.TempDir(), freePort(t)
	log, err := os.Create(filepath.Join(data, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if text, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("the end of the nodes' log:\n%s", text[max(0, len(text)-8000):])
		}
		_ = log.Close()
	})
	for range 3 {
		n := &node{t: t, binary: binary, url: "http://localhost:" + port, log: log, args: []string{
			"--public-url", "http://localhost:" + port, "--listen", "127.0.0.1:" + freePort(t), "--ops-listen", "127.0.0.1:" + freePort(t),
			"--trusted-proxy", "127.0.0.0/8", "--data", data, "--database", c.dsn, "--smtp-url", c.mta.URL(),
			"--mail-from", "Acme Support <support@acme.example>", "--log-level", "error"}}
		c.nodes = append(c.nodes, n)
	}
	c.nodes[0].run(c.csv(), "user", "import", "-")
	c.nodes[0].run("", "message", "test", "--to", "proof@acme.example")
	c.nodes[0].run("", "preference", "set", "2FA", "On")
	c.nodes[0].run("", "preference", "set", "2FAFREQUENCY", "0")
	for _, n := range c.nodes {
		n.start()
	}
	return c
}

// csv returns the users, with a hash that costs next to nothing.
func (c *town) csv() string {
	hash, err := bcrypt.GenerateFromPassword([]byte(secretWords), bcrypt.MinCost)
	if err != nil {
		c.Fatal(err)
	}
	var all strings.Builder
	all.WriteString("user_id,name,email,password_hash\n")
	for i := range c.users {
		fmt.Fprintf(&all, "USER%d,A Sample,user%d@acme.example,%s\n", i, i, hash)
	}
	return all.String()
}

// people signs in its users in turn, until all sign-ins and all faults are done.
func (c *town) people(first int, over *atomic.Bool) {
	for i := first; ; i += c.atOnce {
		if over.Load() && (c.begun.Load() >= int64(c.signIns) || time.Since(c.started) > c.most) {
			return
		}
		c.begun.Add(1)
		c.signIn(i % c.users)
	}
}

// faults causes each fault once, and again and again in a long run.
func (c *town) faults(over *atomic.Bool) {
	defer over.Store(true)
	for round := 0; round == 0 || c.begun.Load() < int64(c.signIns) && time.Since(c.started) < c.most; round++ {
		time.Sleep(c.calm)
		n := c.nodes[round%len(c.nodes)]
		n.kill()
		time.Sleep(c.fault)
		n.start()
		c.mta.Leave(c.T)
		if round%6 == 1 { // so long that tokens expire
			time.Sleep(13 * c.fault)
		}
		time.Sleep(c.fault)
		c.mta.Start(c.T)
		time.Sleep(c.calm)
		c.mta.Pause(c.T)
		time.Sleep(c.fault)
		c.mta.Resume(c.T)
		pgtest.Cut(c.T, c.dsn)
	}
}

// dial connects to any node that runs, as a load balancer does.
func (c *town) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	var failed error
	for _, i := range rand.Perm(len(c.nodes)) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, c.nodes[i].args[3])
		if err == nil {
			return conn, nil
		}
		failed = err
	}
	return nil, failed
}

// A row is what the database says of a message.
type row struct {
	id, kind, state, to string
	expires             int64
}

func (c *town) rows() []row {
	c.Helper()
	ctx := context.Background()
	db, err := pgx.Connect(ctx, pgtest.Superuser(c, c.dsn))
	if err != nil {
		c.Fatal(err)
	}
	defer func() { _ = db.Close(ctx) }()
	found, err := db.Query(ctx, `SELECT id, kind, state, recipient, expires FROM message`)
	if err != nil {
		c.Fatal(err)
	}
	all, err := pgx.CollectRows(found, func(r pgx.CollectableRow) (m row, err error) {
		return m, r.Scan(&m.id, &m.kind, &m.state, &m.to, &m.expires)
	})
	if err != nil {
		c.Fatal(err)
	}
	return all
}

// hurry makes waiting messages due now. One that the server may have accepted would otherwise wait
// for minutes or hours.
func (c *town) hurry() {
	c.Helper()
	ctx := context.Background()
	db, err := pgx.Connect(ctx, pgtest.Superuser(c, c.dsn))
	if err != nil {
		c.Fatal(err)
	}
	defer func() { _ = db.Close(ctx) }()
	if _, err := db.Exec(ctx, `UPDATE message SET due = 0 WHERE state = 'waiting'`); err != nil {
		c.Fatal(err)
	}
}

// settle waits until no message waits and the mailbox has all that the server accepted.
func (c *town) settle() {
	c.Helper()
	for end := time.Now().Add(15 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		c.hurry()
		open, sent, came := 0, 0, map[string]bool{}
		for _, m := range c.box.All(c) {
			came[messageOf(m)] = true
		}
		for _, m := range c.rows() {
			if m.state == "waiting" || m.state == "sending" {
				open++
			}
			if m.state == "sent" && !came[m.id] {
				sent++
			}
		}
		if open+sent == 0 {
			return
		}
		if time.Now().After(end) {
			c.Fatalf("%d messages wait still; %d are called sent and have not come", open, sent)
		}
	}
}

func messageOf(m mtatest.Mail) string {
	id, _, _ := strings.Cut(strings.Trim(m.Header.Get("Message-Id"), "<>"), "@")
	return id
}

// judge compares the database with the mailbox.
func (c *town) judge(took time.Duration) {
	c.Helper()
	came := map[string][]mtatest.Mail{}
	for _, m := range c.box.All(c) {
		came[messageOf(m)] = append(came[messageOf(m)], m)
	}
	states := map[string]int{}
	all, tokens, twice, unnoted := 0, 0, 0, 0
	for _, m := range c.rows() {
		all++
		mails := came[m.id]
		delete(came, m.id)
		if m.kind == "token" {
			tokens++
			states[m.state]++
		}
		if len(mails) > 1 {
			twice++
		}
		switch {
		case m.state == "sent" && len(mails) == 0, m.state != "sent" && m.kind != "token", m.state != "sent" && m.state != "dropped":
			c.Errorf("%s to %s is %s, and %d mails came", m.kind, m.to, m.state, len(mails))
		case m.state == "dropped" && len(mails) > 0: // it arrived, but its node died or the server hung before it was recorded
			unnoted++
		}
		for _, mail := range mails {
			if m.expires > 0 && mail.Came.UnixMilli() > m.expires {
				c.Errorf("a token came %v after its death", mail.Came.Sub(time.UnixMilli(m.expires)))
			}
			if !strings.EqualFold(mail.To, m.to) {
				c.Errorf("a mail for %s came to %s", m.to, mail.To)
			}
		}
	}
	if len(came) > 0 {
		c.Errorf("%d mails are of no message", len(came))
	}
	begun, in, told := c.begun.Load(), c.in.Load(), c.told.Load()
	if in+told != begun || in < begun/2 {
		c.Errorf("of %d sign-ins %d were in, %d were told", begun, in, told)
	}
	c.Logf("%d sign-ins in %v: %d in by their token, %d told why not; %d started again. %d messages, %d of them tokens: %v; %d came more than once, %d came and were not recorded in time",
		begun, took.Round(time.Second), in, told, c.again.Load(), all, tokens, states, twice, unnoted)
}
