package main_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// dearHashes are hashes of 128 MiB as other programs may have made them. No password matches.
var dearHashes = []string{
	"$argon2id$v=19$m=131072,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE",
	"$scrypt$ln=17,r=8,p=1$c29tZXNhbHRzb21lc2FsdA$QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE",
}

// TH-06, TH-07: sixteen users whose imported hashes need 128 MiB each sign in at once at a node of
// sixteen cores. It stays within the budget plus 150 MiB.
func TestSixteenDearHashesAtOnce(t *testing.T) {
	t.Setenv("GOMAXPROCS", "16") // of the node
	binary := build(t)
	port, ops := freePort(t), freePort(t)
	n := &node{t: t, binary: binary, url: "http://localhost:" + port, args: []string{
		"--public-url", "http://localhost:" + port, "--listen", "127.0.0.1:" + port, "--ops-listen", "127.0.0.1:" + ops,
		"--data", t.TempDir(), "--trusted-proxy", "127.0.0.0/8", "--log-level", "error"}}
	users := "user_id,name,email,password_hash\n"
	for i := range 16 {
		hash := dearHashes[i%2]
		users += fmt.Sprintf("AGENT%03d,Agent %d,agent%d@acme.example,\"%s\"\n", i, i, i, hash)
	}
	file := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(file, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	n.run("", "user", "import", file)
	n.start()
	var all sync.WaitGroup
	start := make(chan struct{})
	answers := make([]int, 16)
	for i := range answers {
		c := &caller{at: n.url, ip: fmt.Sprintf("10.9.0.%d", i+1)}
		if err := c.open(); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			<-start
			status, err := c.sendAs(fmt.Sprintf("AGENT%03d", i), "not this one, certainly")
			if err != nil {
				t.Error(err)
			}
			answers[i] = status
		})
	}
	close(start)
	all.Wait()
	kib := peak(t, n.command.Process.Pid)
	t.Logf("answers %v, peak memory %d MiB", answers, kib>>10)
	if told := strings.Count(fmt.Sprint(answers), fmt.Sprint(http.StatusUnprocessableEntity)); told == 0 {
		t.Errorf("no password was compared: %v", answers)
	}
	if kib > (256+150)<<10 {
		t.Errorf("the node took %d MiB at its peak", kib>>10)
	}
}

// sendAs posts a user ID and a password.
func (c *caller) sendAs(login, password string) (int, error) {
	answer, page, err := c.do(context.Background(), http.MethodPost, url.Values{"form_token": {c.token}, "user_id": {login}, "password": {password}})
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, judged(answer, page)
}
