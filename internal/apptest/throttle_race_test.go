package apptest

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/pgtest"
)

// countEvents counts the rows of an action in the audit log of a subject.
func countEvents(h *App, subject, line string) (n int) {
	for _, l := range h.Events(subject) {
		if l == line {
			n++
		}
	}
	return n
}

// TH-03: of 200 concurrent wrong passwords, on two nodes, from 200 addresses, five are compared.
// Then the user ID must wait, for the correct password as well.
func TestTwoHundredPasswordsAtOnce(t *testing.T) {
	race(t, func(t *testing.T, h *App, node func() *App) {
		h.User("BSMITH")
		pages := sendWrongPasswords(h, node(), 200, func(int) string { return "BSMITH" }, func(i int) string { return fmt.Sprintf("198.51.%d.%d", i/100, i%100+1) })
		judged := 0
		for _, p := range pages {
			switch p.Status {
			case http.StatusUnprocessableEntity:
				judged++
			case http.StatusTooManyRequests, http.StatusServiceUnavailable:
				if p.comeBack() == 0 {
					t.Errorf("%d without a time to come back", p.Status)
				}
			default:
				t.Errorf("answered %d: %s", p.Status, p.Text())
			}
		}
		// On a busy machine an answer may be 503, after its password was compared.
		if n := countEvents(h, "BSMITH", "sign-in.password refused"); n != 5 || judged > n {
			t.Errorf("%d passwords were compared, want 5; %d pages say so", n, judged)
		}
		wantWait(t, h.Browser("192.0.2.20", Chrome).SignIn("BSMITH"), 30*time.Second)
	})
}

// TH-04: of 200 concurrent user IDs from one network, on two nodes, ten are compared.
func TestTwoHundredUserIDsAtOnce(t *testing.T) {
	race(t, func(t *testing.T, h *App, node func() *App) {
		pages := sendWrongPasswords(h, node(), 200, func(i int) string { return fmt.Sprintf("AGENT%03d", i) }, func(i int) string { return fmt.Sprintf("2001:db8::%x", i+1) })
		judged := 0
		for _, p := range pages {
			if p.Status == http.StatusUnprocessableEntity {
				judged++
			}
		}
		if judged != 10 {
			t.Errorf("%d passwords were compared, want 10", judged)
		}
	})
}

// Of 40 half sign-ins of one user with concurrent wrong tokens, on two nodes, six tokens are
// compared: two failed sign-ins' worth.
func TestFortyHalfSignInsAtOnce(t *testing.T) {
	race(t, func(t *testing.T, h *App, node func() *App) {
		h.User("BSMITH")
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		h.Pass(2 * time.Hour)
		nodes := []*App{h, node()}
		var half []*Browser
		for i := range 40 {
			b := nodes[i%2].Browser(fmt.Sprintf("198.51.100.%d", i+1), Edge)
			b.SignIn("BSMITH")
			half = append(half, b)
		}
		var all sync.WaitGroup
		for _, b := range half {
			all.Go(func() { b.Send("/sign-in/token", "token", "000000") })
		}
		all.Wait()
		if n := countEvents(h, "BSMITH", "token.wrong refused"); n > 6 || n == 0 {
			t.Errorf("%d tokens were compared, want 1 to 6", n)
		}
		for range 6 { // what was refused while others were in progress may be tried again, up to the wait
			half[39].Send("/sign-in/token", "token", "000000")
			half[38].Send("/sign-in/token", "token", "000000")
			half[37].Send("/sign-in/token", "token", "000000")
		}
		if n := countEvents(h, "BSMITH", "token.wrong refused"); n != 6 {
			t.Errorf("%d tokens were compared, want 6", n)
		}
	})
}

// sendWrongPasswords sends wrong passwords concurrently, to two nodes in turn.
func sendWrongPasswords(h, other *App, n int, login, ip func(int) string) []*Page {
	nodes := []*App{h, other}
	browsers, pages := make([]*Browser, n), make([]*Page, n)
	for i := range browsers {
		browsers[i] = nodes[i%2].Browser(ip(i), Chrome)
		browsers[i].Get("/sign-in")
	}
	start := make(chan struct{})
	var all sync.WaitGroup
	for i, b := range browsers {
		all.Go(func() {
			<-start
			pages[i] = b.Send("/sign-in", "user_id", login(i), "password", wrongPassword)
		})
	}
	close(start)
	all.Wait()
	return pages
}

// While the database is unreachable every page says so, with a time to come back, and grants
// nothing. Once it is back the same sign-in succeeds.
func TestDatabaseAway(t *testing.T) {
	dsn := pgtest.DSN(t)
	h := Open(t, dsn)
	h.User("BSMITH")
	h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
	b := h.Browser("192.0.2.20", Chrome)
	b.SignIn("BSMITH")
	token := h.Token("bsmith@demo.example")
	elsewhere, err := url.Parse(pgtest.Superuser(t, dsn))
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(elsewhere.Path, "/")
	elsewhere.Path = "/postgres"
	root, err := sql.Open("pgx", elsewhere.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	open := func(may string) {
		t.Helper()
		if _, err := root.Exec(`ALTER DATABASE ` + name + ` WITH ALLOW_CONNECTIONS ` + may); err != nil {
			t.Fatal(err)
		}
	}
	open("false")
	if _, err := root.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()`, name); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*Page{
		h.Browser("192.0.2.30", Chrome).Do("GET", "/sign-in", nil),
		b.Send("/sign-in/token", "token", token),
		b.Send("/sign-in", "user_id", "BSMITH", "password", Password),
		h.Browser("192.0.2.31", Chrome).Do("GET", "/profile", nil),
	} {
		if p.Status != http.StatusServiceUnavailable || p.comeBack() == 0 || !p.Says("Sign-in is busy") {
			t.Errorf("%s: %d, Retry-After %q: %s", p.Path, p.Status, p.Header.Get("Retry-After"), p.Text())
		}
		if admitted([]*Page{p}) != 0 {
			t.Errorf("%s made a session", p.Path)
		}
	}
	open("true")
	wantIn(t, b.Post("/sign-in/token", "token", token), "BSMITH")
}
