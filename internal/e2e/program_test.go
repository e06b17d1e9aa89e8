package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/browsertest"
)

// password is the password of all users.
const password = "correct horse battery staple"

// binary is the program, built once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "countersign-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "countersign")
	out, err := exec.Command("go", "build", "-o", path, "countersign/cmd/countersign").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
})

// TestMain removes the built program.
func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

func program(t *testing.T) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// start runs the program and returns its output, line by line.
func start(t *testing.T, args ...string) *bufio.Reader {
	t.Helper()
	c := exec.Command(program(t), args...)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait()
	})
	return bufio.NewReader(out)
}

// run runs a command of the operator.
func run(t *testing.T, input string, args ...string) {
	t.Helper()
	c := exec.Command(program(t), args...)
	c.Stdin = strings.NewReader(input)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// A demo is a running demo.
type demo struct {
	URL   string `json:"url"`
	Inbox string `json:"inbox"`
	Data  string `json:"data"`
	Users []struct {
		ID       string `json:"id"`
		Password string `json:"password"`
	} `json:"users"`
}

func startDemo(t *testing.T) demo {
	t.Helper()
	line, err := start(t, "demo", "--port", "0", "--json").ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var d demo
	if err := json.Unmarshal([]byte(line), &d); err != nil {
		t.Fatalf("the demo said %q: %v", line, err)
	}
	return d
}

func (d demo) password(id string) string {
	for _, u := range d.Users {
		if u.ID == id {
			return u.Password
		}
	}
	return ""
}

var sixDigits = regexp.MustCompile(`token is:? ([0-9]{6})`)

// token returns the newest token that went to an address or number, except those already used.
func (d demo) token(t *testing.T, to string, but ...string) string {
	t.Helper()
	for range 2400 {
		r, err := http.NewRequest(http.MethodGet, d.Inbox+"?to="+strings.ReplaceAll(to, "+", "%2B"), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "application/json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		var mails []struct{ Text string }
		if err != nil || json.Unmarshal(body, &mails) != nil {
			t.Fatalf("the inbox said %s: %v", body, err)
		}
		for _, m := range mails {
			if found := sixDigits.FindStringSubmatch(m.Text); found != nil {
				if len(but) == 0 || found[1] != but[0] {
					return found[1]
				}
				break
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("no token reached %s", to)
	return ""
}

// settled reloads the page until its message has been sent. From then on the page does not reload
// by itself while the test types.
func settled(t *testing.T, w *browsertest.Window) {
	t.Helper()
	for range 1000 {
		if strings.Contains(w.Text(), "Accepted by") {
			return
		}
		time.Sleep(100 * time.Millisecond)
		w.Go(w.URL().String())
	}
	t.Fatalf("the message was not accepted: %s", w.Text())
}

// want fails the test unless the page contains all sentences.
func want(t *testing.T, w *browsertest.Window, sentences ...string) {
	t.Helper()
	text := strings.Join(strings.Fields(w.Text()), " ")
	for _, s := range sentences {
		if !strings.Contains(text, s) {
			t.Fatalf("%s does not say %q: %s", w.URL(), s, text)
		}
	}
}

// wrong returns a token that differs in its first digit.
func wrong(token string) string {
	return string('0'+(token[0]-'0'+1)%10) + token[1:]
}
