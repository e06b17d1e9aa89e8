package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/internal/mtatest"
	"countersign/internal/pgtest"
)

// The database stops under a running node, while a token waits for the mail server. The node
// reports live and not ready, asks users to come back, and continues by itself when both are back.
func TestTheDatabaseGoesAway(t *testing.T) {
	database, mta := pgtest.StartOwn(t), mtatest.Start(t)
	port, ops := freePort(t), freePort(t)
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	n := &node{t: t, binary: build(t), url: "http://localhost:" + port, log: log, args: []string{
		"--public-url", "http://localhost:" + port, "--listen", "127.0.0.1:" + port, "--ops-listen", "127.0.0.1:" + ops,
		"--data", t.TempDir(), "--database", database.DSN(t), "--smtp-url", mta.URL(), "--mail-from", "Acme Support <support@acme.example>", "--log-level", "error"}}
	n.run(secretWords, "user", "add", "--id", "BSMITH", "--name", "Bob Smith", "--email", "bsmith@acme.example", "--password-file", "-")
	n.run("", "message", "test", "--to", "proof@acme.example")
	n.run("", "preference", "set", "2FA", "On")
	n.run("", "preference", "set", "TOKENMINUTES", "10")
	n.start()
	p := newPerson(t, n.url)
	p.get("/sign-in")
	p.post("/sign-in", "user_id", "BSMITH", "password", secretWords)
	mta.Leave(t)
	p.post("/set-up/email", "email", "bsmith@acme.example")
	typing := p.page

	database.Stop(t)
	becomes(t, "http://127.0.0.1:"+ops+"/readyz", http.StatusServiceUnavailable)
	becomes(t, "http://127.0.0.1:"+ops+"/healthz", http.StatusOK)
	becomes(t, n.url+"/set-up/email", http.StatusServiceUnavailable)
	if page := p.get("/set-up/email"); !strings.Contains(page, "Try again in a few seconds") {
		t.Errorf("without its database the page says: %s", errorText(page))
	}
	mta.Start(t)
	for end := time.Now().Add(3 * time.Minute); complaints(t, log.Name()) == 0 && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(3 * time.Second) // the outbox polls every second and logs no more
	database.Start(t)
	becomes(t, "http://127.0.0.1:"+ops+"/readyz", http.StatusOK)
	token := tokenSentence.FindStringSubmatch(mta.Wait(t, "bsmith@acme.example", 1)[0].Text)
	if token == nil {
		t.Fatal("the mail holds no token")
	}
	p.page = typing // the page that the user has had open all the time
	if page := p.post("/set-up/email/token", "token", token[1]); !strings.Contains(page, "is now complete for the Email method") {
		t.Errorf("the token was not taken: %s", errorText(page))
	}
	if n := complaints(t, log.Name()); n != 1 {
		t.Errorf("the log complains %d times, want once", n)
	}
}

// complaints counts the log lines that say messages can't be read.
func complaints(t *testing.T, log string) int {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), "messages that wait can't be read")
}

// becomes waits until an address answers with a status.
func becomes(t *testing.T, address string, status int) {
	t.Helper()
	got := 0
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		answer, err := http.Get(address)
		if err != nil {
			continue
		}
		_ = answer.Body.Close()
		if got = answer.StatusCode; got == status {
			return
		}
	}
	t.Errorf("%s answers %d, want %d", address, got, status)
}
