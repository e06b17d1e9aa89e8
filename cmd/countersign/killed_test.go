package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"countersign/internal/mtatest"
	"countersign/internal/pgtest"
)

// kills is how often each node is killed.
func kills() int {
	if os.Getenv("COUNTERSIGN_SOAK") != "" {
		return 60
	}
	return 3
}

const secretWords = "correct horse battery staple"

// A node is killed again and again during sign-ins, resets and changed preferences: what it
// acknowledged is saved, no counted try is given back, and the audit log is complete.
func TestKilledInALoop(t *testing.T) {
	binary := build(t)
	databases := map[string]func(*testing.T) string{
		"SQLite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "countersign.db") },
		"PostgreSQL": func(t *testing.T) string { return pgtest.DSN(t) },
	}
	for engine, database := range databases {
		t.Run(engine, func(t *testing.T) {
			mta := mtatest.Start(t)
			port := freePort(t)
			n := &node{t: t, binary: binary, url: "http://localhost:" + port, args: []string{
				"--public-url", "http://localhost:" + port, "--listen", "127.0.0.1:" + port, "--ops-listen", "127.0.0.1:" + freePort(t),
				"--data", t.TempDir(), "--database", database(t), "--smtp-url", mta.URL(), "--mail-from", "Acme Support <support@acme.example>", "--log-level", "error"}}
			add := []string{"user", "add", "--name", "A Sample", "--password-file", "-"}
			n.run(secretWords, append(add, "--id", "ADMIN", "--email", "admin@acme.example", "--right", "Admin-System Preferences",
				"--right", "Admin-User Administration", "--right", "Admin-Disable 2 Factor Authentication")...)
			n.run(secretWords, append(add, "--id", "CBILLS", "--email", "cbills@acme.example")...)
			n.run("", "preference", "set", "TOKENMINUTES", "10")
			n.start()
			admin := newPerson(t, n.url)
			admin.get("/sign-in")
			admin.post("/sign-in", "user_id", "ADMIN", "password", secretWords)
			n.run("", "message", "test", "--to", "proof@acme.example")
			n.run("", "preference", "set", "2FA", "On")
			for round := range kills() {
				guesser := fmt.Sprint("GUESS", round)
				n.run(secretWords, append(add, "--id", guesser, "--email", strings.ToLower(guesser)+"@acme.example")...)
				battered(t, n, admin, guesser)
			}
			saved, resets, guessed := n.count("preference.changed"), n.count("two-factor.reset"), n.count("token.wrong")
			if saved < kills() || resets < kills() || guessed < 2*kills() {
				t.Errorf("%d preferences were saved, %d users reset and %d guesses judged: too little to prove anything", saved, resets, guessed)
			}
		})
	}
}

// A record is what a node has acknowledged, and what was in progress when it died.
type record struct {
	value, sent  string // of the preference
	resets, left int
}

// battered sends changes, resets and tokens until the node is killed, starts it again and compares.
func battered(t *testing.T, n *node, admin *person, guesser string) {
	t.Helper()
	guess := newPerson(t, n.url)
	guess.get("/sign-in")
	guess.post("/sign-in", "user_id", guesser, "password", secretWords)
	guess.post("/set-up/email", "email", strings.ToLower(guesser)+"@acme.example")
	r := &record{value: "", left: 3, resets: n.count("two-factor.reset")}
	answered := make(chan string, 1000)
	var working sync.WaitGroup
	working.Go(func() { changes(n, admin, r, answered) })
	working.Go(func() { guesses(guess, r, answered) })
	for reset, guessed, more := false, false, 1+rand.IntN(8); !reset || !guessed || more > 0; {
		switch <-answered {
		case "reset":
			reset = true
		case "guess":
			guessed = true
		case "gone":
			t.Fatal("the node stopped answering before it was killed")
		}
		if reset && guessed {
			more--
		}
	}
	n.kill()
	working.Wait()
	n.start()
	if got := n.value("HELPCONTACT"); r.value != "" && got != r.value && got != r.sent {
		t.Errorf("the preference is %q; %q was acknowledged, %q was on its way", got, r.value, r.sent)
	}
	if got := n.count("two-factor.reset"); got < r.resets {
		t.Errorf("%d resets stand in the audit log, %d were acknowledged", got, r.resets)
	}
	page := guess.post("/set-up/email/token", "token", "000000")
	for left := r.left; left <= 2; left++ {
		if strings.Contains(page, fmt.Sprintf("You have %d tr", left)) {
			t.Errorf("a try was given back: %d were left before the kill, and after another guess the page says %d", r.left, left)
		}
	}
	n.run("", "audit", "verify")
}

// changes saves a preference and resets a user in turn until the node is gone.
func changes(n *node, admin *person, r *record, answered chan<- string) {
	defer func() { answered <- "gone" }()
	for i := 0; ; i++ {
		page, ok := admin.try("GET", "/admin/system/preferences?edit=HELPCONTACT")
		if !ok {
			return
		}
		sent := fmt.Sprint("desk ", i)
		r.sent = sent
		if _, ok = admin.try("POST", "/admin/system/preferences", "code", "HELPCONTACT", "value", sent, "version", hidden(page, "version"), "step", "save"); !ok {
			return
		}
		r.value = sent
		answered <- "preference"
		if _, ok = admin.try("GET", "/admin/users/CBILLS/reset-two-factor"); !ok {
			return
		}
		if _, ok = admin.try("POST", "/admin/users/CBILLS/reset-two-factor", "reason", "a test"); !ok {
			return
		}
		r.resets++
		answered <- "reset"
	}
}

// guesses sends wrong tokens until two are judged or the node is gone.
func guesses(p *person, r *record, answered chan<- string) {
	for r.left > 1 {
		page, ok := p.try("POST", "/set-up/email/token", "token", "000000")
		if !ok {
			return
		}
		for left := 2; left > 0; left-- {
			if strings.Contains(page, fmt.Sprintf("You have %d tr", left)) {
				r.left = left
			}
		}
		answered <- "guess"
	}
}

// try sends a request. ok is false if the node did not process it.
func (p *person) try(method, path string, fields ...string) (page string, ok bool) {
	send := func() (*http.Response, error) { return p.http.Get(p.at + path) }
	if method == "POST" {
		send = func() (*http.Response, error) { return p.http.PostForm(p.at+path, p.form(fields)) }
	}
	answer, err := send()
	if err != nil {
		return "", false
	}
	defer func() { _ = answer.Body.Close() }()
	var body strings.Builder
	if _, err := io.Copy(&body, answer.Body); err != nil {
		return "", false
	}
	p.page = body.String()
	return p.page, answer.StatusCode < 500
}

// hidden returns the value of a hidden field.
func hidden(page, name string) string {
	_, rest, _ := strings.Cut(page, `name="`+name+`" value="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// value returns the value of a preference, as a command prints it.
func (n *node) value(code string) string {
	n.t.Helper()
	var all []struct{ Code, Value string }
	if err := json.Unmarshal([]byte(n.run("", "preference", "list", "--json")), &all); err != nil {
		n.t.Fatal(err)
	}
	for _, p := range all {
		if p.Code == code {
			return p.Value
		}
	}
	return ""
}

// count returns how many rows of an action the audit log has.
func (n *node) count(action string) int {
	n.t.Helper()
	return strings.Count(n.run("", "audit", "export", "--action", action), action)
}
