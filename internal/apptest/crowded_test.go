package apptest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign"
	"countersign/internal/web"
)

// crowdSize is the number of concurrent requests: more than there are connections.
const crowdSize = 48

// A crowd posts the same form many times at once, while another transaction holds the rows it
// needs.
type crowd struct {
	h     *App
	admin *Browser // signed in, with a recent proof
	half  *Browser // has entered the password, and must enter a token
	other *Browser // of another user, whose device is remembered
	users int      // number of users created
}

// TN-03: on PostgreSQL, whatever one user posts 48 times at once, and however long it has to wait
// for its rows, another user can sign in and out, and no request gets an internal error.
func TestEveryRouteAtOnce(t *testing.T) {
	t.Parallel()
	h := Open(t, PostgreSQL(t)+"&pool_max_conns=6")
	c := &crowd{h: h, admin: h.Browser("192.0.2.10", Chrome), half: h.Browser("192.0.2.10", Chrome), other: h.Browser("192.0.2.30", Chrome)}
	h.User("CBILLS")
	h.User("JJONES")
	c.other.Enroll("CBILLS")
	c.other.SignOut()
	posts := 0
	for _, r := range h.Routes {
		if strings.HasPrefix(r.Pattern, "POST ") {
			posts++
			c.post(t, r)
		}
	}
	if posts < 60 {
		t.Errorf("%d routes were posted to, which can't be all", posts)
	}
}

// post posts to one route with the whole crowd.
func (c *crowd) post(t *testing.T, r web.Route) {
	t.Helper()
	b := c.admin
	if r.Kind == web.RouteOpen {
		b = c.half
	}
	c.ready(t, b)
	release := c.lock(t)
	var begun, answered atomic.Int32
	var all sync.WaitGroup
	pages := make([]*Page, crowdSize)
	token := b.page.FormToken()
	for i := range crowdSize {
		one := b.Copy(b.IP, b.Agent)
		all.Go(func() {
			begun.Add(1)
			pages[i] = one.Do("POST", place(r, "JJONES"), form(r, token))
			answered.Add(1)
		})
	}
	for begun.Load() < crowdSize || c.waiting(t) == 0 && answered.Load() < crowdSize {
		continue // until a request waits for a row, or none has to
	}
	for range 2 {
		if p := c.other.SignIn("CBILLS"); p.Status != http.StatusOK || !p.Says("Sign out") {
			t.Fatalf("while 48 post to %s another user gets %d: %s", r.Pattern, p.Status, p.Text())
		}
		if p := c.other.SignOut(); p.Path != "/sign-in" {
			t.Fatalf("while 48 post to %s another user signs out and gets %d: %s", r.Pattern, p.Status, p.Text())
		}
	}
	release()
	all.Wait()
	for _, p := range pages {
		if p.Status >= 500 && p.Status != http.StatusServiceUnavailable {
			t.Errorf("%s answered %d: %s", r.Pattern, p.Status, p.Text())
		}
	}
}

// ready makes sure that the browser is signed in, or asked for a token. Earlier posts may have
// changed anything about its user, so it may use a new one.
func (c *crowd) ready(t *testing.T, b *Browser) {
	t.Helper()
	if b == c.admin && b.Get("/").Says("Sign out") || b == c.half && b.Get("/sign-in/token").Path == "/sign-in/token" {
		return
	}
	c.users++
	login := fmt.Sprint("USER", c.users)
	c.h.User(login, countersign.AgencyRights...)
	b.Forget()
	if b.Enroll(login); b == c.admin {
		return
	}
	c.h.Pass(time.Minute)
	b.Forget()
	if p := b.SignIn(login); p.Path != "/sign-in/token" {
		t.Fatalf("%s is not asked for a token: %d %s", login, p.Status, p.Text())
	}
}

// lock locks the rows of all users but the other one until release is called.
func (c *crowd) lock(t *testing.T) (release func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	hold, err := c.h.Raw().BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	const those = ` IN (SELECT id FROM users WHERE login <> 'CBILLS') FOR UPDATE`
	for _, rows := range []string{`users WHERE id`, `session WHERE user_id`, `attempt WHERE user_id`} {
		if _, err := hold.ExecContext(ctx, `SELECT 1 FROM `+rows+those); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := hold.Rollback(); err != nil {
			t.Error(err)
		}
	}
}

// waiting counts the transactions that wait for a row.
func (c *crowd) waiting(t *testing.T) (n int) {
	t.Helper()
	err := c.h.Raw().QueryRow(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
