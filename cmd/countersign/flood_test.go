package main_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// crowd is how many users sign in at once.
const crowd = 500

// most is the peak memory allowed for a node: the budget of password hashes plus 150 MiB (TH-06).
const most = 200 << 10 // KiB

// TH-06: 500 users sign in at once at the real program. None gets an internal error: each is
// answered or told when to come back. The node stays within its memory, and its health check
// answers all the time. The soak run has more rounds, with clients that disconnect and very long
// passwords.
func TestFiveHundredAtOnce(t *testing.T) {
	binary, rounds := build(t), 1
	if os.Getenv("COUNTERSIGN_SOAK") != "" {
		rounds = 10
	}
	for round := range rounds {
		port, ops := freePort(t), freePort(t)
		n := &node{t: t, binary: binary, url: "http://localhost:" + port, args: []string{
			"--public-url", "http://localhost:" + port, "--listen", "127.0.0.1:" + port, "--ops-listen", "127.0.0.1:" + ops,
			"--data", t.TempDir(), "--trusted-proxy", "127.0.0.0/8", "--log-level", "error"}}
		n.run("correct horse battery staple\n", "user", "add", "--id", "BSMITH", "--name", "Bob Smith", "--email", "bsmith@acme.example", "--password-file", "-")
		n.start()
		healthy := watch(t, "http://127.0.0.1:"+ops+"/healthz", n.url+"/healthz")
		answers := flood(t, n.url, round)
		if asked := healthy(); asked == 0 {
			t.Error("the health check was never asked")
		}
		if answers[http.StatusUnprocessableEntity] == 0 {
			t.Errorf("no password was compared: %v", answers)
		}
		kib := peak(t, n.command.Process.Pid)
		t.Logf("round %d: answers by status %v, peak memory %d MiB", round+1, answers, kib>>10)
		if kib > most {
			t.Errorf("the node took %d MiB at its peak, more than %d", kib>>10, most>>10)
		}
		n.kill()
	}
}

// flood posts all passwords at the same instant, each from its own address, and counts the answers
// by status.
func flood(t *testing.T, at string, round int) map[int]int {
	t.Helper()
	var ready, all sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	start := make(chan struct{})
	for i := range crowd {
		c := &caller{at: at, ip: fmt.Sprintf("10.%d.%d.%d", round, i/250, i%250+1)}
		ready.Add(1)
		all.Go(func() {
			err := c.open()
			ready.Done()
			<-start
			status := 0
			if err == nil {
				status, err = c.send(i, round)
			}
			if err != nil {
				t.Errorf("caller %d: %v", i, err)
			}
			mu.Lock()
			defer mu.Unlock()
			answers[status]++
		})
	}
	ready.Wait()
	close(start)
	all.Wait()
	return answers
}

// A caller is one browser behind the proxy.
type caller struct {
	at, ip string
	http   http.Client
	token  string
}

// open gets the sign-in page.
func (c *caller) open() (err error) {
	if c.http.Jar, err = cookiejar.New(nil); err != nil {
		return err
	}
	c.http.Transport = &http.Transport{}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	_, page, err := c.do(context.Background(), http.MethodGet, nil)
	if found := formToken.FindStringSubmatch(page); found != nil {
		c.token = found[1]
	} else if err == nil {
		err = fmt.Errorf("no form on the sign-in page: %.200s", page)
	}
	return err
}

// send posts a password. The number of the caller decides what else it does.
func (c *caller) send(i, round int) (int, error) {
	form := url.Values{"form_token": {c.token}, "user_id": {fmt.Sprintf("AGENT%03d", i)}, "password": {"not this one, certainly"}}
	if i%50 == 0 {
		form.Set("user_id", "BSMITH")
		form.Set("password", "correct horse battery staple")
	}
	ctx := context.Background()
	if round > 0 && i%5 == 1 { // disconnects
		short, cancel := context.WithTimeout(ctx, time.Duration(i)*time.Millisecond)
		defer cancel()
		_, _, _ = c.do(short, http.MethodPost, form)
		return 0, nil
	}
	if round > 0 && i%5 == 2 {
		form.Set("password", strings.Repeat("x", 1<<20))
	}
	answer, page, err := c.do(ctx, http.MethodPost, form)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, judged(answer, page)
}

// judged says what is wrong with an answer.
func judged(answer *http.Response, page string) error {
	switch answer.StatusCode {
	case http.StatusSeeOther, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		return nil
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if n, err := strconv.Atoi(answer.Header.Get("Retry-After")); err != nil || n < 1 {
			return fmt.Errorf("%d without a time to come back: %q", answer.StatusCode, answer.Header.Get("Retry-After"))
		}
		waited := strings.Contains(page, "It did not count as a try.") || strings.Contains(page, "This took too long")
		if answer.StatusCode == http.StatusServiceUnavailable && !waited {
			return fmt.Errorf("503 says %.300s", page)
		}
		return nil
	default:
		return fmt.Errorf("answered %d: %.300s", answer.StatusCode, page)
	}
}

func (c *caller) do(ctx context.Context, method string, form url.Values) (*http.Response, string, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.at+"/sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, "", err
	}
	r.Header.Set("X-Forwarded-For", c.ip)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	page, err := io.ReadAll(answer.Body)
	return answer, string(page), err
}

// watch polls health checks until the returned function is called, which returns how often they
// answered.
func watch(t *testing.T, addresses ...string) (stop func() int) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	answered := 0
	done.Go(func() {
		for ctx.Err() == nil {
			for _, address := range addresses {
				answer, err := http.Get(address)
				if err != nil || answer.StatusCode != http.StatusOK {
					t.Errorf("%s did not answer: %v", address, err)
					return
				}
				_ = answer.Body.Close()
				answered++
			}
		}
	})
	return func() int {
		cancel()
		done.Wait()
		return answered
	}
}

// peak returns the peak memory of a process in KiB.
func peak(t *testing.T, pid int) int {
	t.Helper()
	file, err := os.Open(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kib
		}
	}
	t.Fatal("the system does not tell the peak of memory")
	return 0
}
