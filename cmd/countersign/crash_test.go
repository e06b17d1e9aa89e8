package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"countersign/internal/childproc"
	"countersign/internal/mtatest"
	"countersign/internal/pgtest"
)

// A node is a running process of the real program.
type node struct {
	t       *testing.T
	binary  string
	args    []string
	url     string
	log     io.Writer // nil: the test's own
	command *exec.Cmd
}

// kept holds the directory of the program until the tests have ended.
var kept *childproc.Guard

// built builds the program once for all tests.
var built = sync.OnceValues(func() (string, error) {
	l, dir, err := childproc.Dir()
	if err != nil {
		return "", err
	}
	kept = l
	binary := filepath.Join(dir, "countersign")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return binary, nil
})

func build(t *testing.T) string {
	t.Helper()
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// freePort returns a port that is free now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// start runs the node and waits until it listens.
func (n *node) start() {
	n.t.Helper()
	n.command = exec.Command(n.binary, append([]string{"serve"}, n.args...)...)
	n.command.Stderr = os.Stderr
	if n.log != nil {
		n.command.Stderr = n.log
	}
	out, err := n.command.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := n.command.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(n.kill)
	said, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(said, "Listening on") {
		n.t.Fatalf("the node said %q: %v", said, err)
	}
}

// kill ends the node as a power failure would.
func (n *node) kill() {
	_ = n.command.Process.Kill()
	_ = n.command.Wait()
}

// run runs a command of the operator beside the node.
func (n *node) run(input string, args ...string) string {
	n.t.Helper()
	c := exec.Command(n.binary, append(args, n.args...)...)
	c.Stdin = strings.NewReader(input)
	out, err := c.CombinedOutput()
	if err != nil {
		n.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// A person is a user's browser.
type person struct {
	t    *testing.T
	at   string
	http *http.Client
	page string
}

func newPerson(t *testing.T, at string) *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, at: at, http: &http.Client{Jar: jar}}
}

func (p *person) get(path string) string {
	p.t.Helper()
	answer, err := p.http.Get(p.at + path)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.read(answer)
}

var formToken = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

func (p *person) post(path string, fields ...string) string {
	p.t.Helper()
	answer, err := p.http.PostForm(p.at+path, p.form(fields))
	if err != nil {
		p.t.Fatal(err)
	}
	return p.read(answer)
}

// form returns fields with the form token of the current page.
func (p *person) form(fields []string) url.Values {
	form := url.Values{}
	if found := formToken.FindStringSubmatch(p.page); found != nil {
		form.Set("form_token", found[1])
	}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return form
}

func (p *person) read(answer *http.Response) string {
	p.t.Helper()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	_ = answer.Body.Close()
	p.page = string(body)
	return p.page
}

var tokenSentence = regexp.MustCompile(`one-time token is: ([0-9]{6})`)

// While the mail server is unreachable the page says so and the message waits. A killed node loses
// neither the sign-in nor the message, on both engines.
func TestNothingIsLostAcrossAKill(t *testing.T) {
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
			n.run("correct horse battery staple\n", "user", "add", "--id", "BSMITH", "--name", "Bob Smith", "--email", "bsmith@acme.example", "--password-file", "-")
			n.run("", "message", "test", "--to", "proof@acme.example")
			n.run("", "preference", "set", "2FA", "On")
			n.run("", "preference", "set", "TOKENMINUTES", "10")
			n.start()
			mta.Stop(t)

			p := newPerson(t, n.url)
			p.get("/sign-in")
			p.post("/sign-in", "user_id", "BSMITH", "password", "correct horse battery staple")
			p.post("/set-up/email", "email", "bsmith@acme.example")
			n.kill()
			mta.Start(t)
			n.start()
			if page := p.get("/set-up/email"); !strings.Contains(page, "Six-digit token") {
				t.Fatalf("the wizard is lost: %s", page)
			}
			mail := mta.Wait(t, "bsmith@acme.example", 1)
			token := tokenSentence.FindStringSubmatch(mail[0].Text)
			if token == nil {
				t.Fatalf("the mail holds no token:\n%s", mail[0].Text)
			}
			if page := p.post("/set-up/email/token", "token", token[1]); !strings.Contains(page, "is now complete for the Email method") {
				t.Fatalf("the token was not taken: %s", page)
			}
			n.kill()
			n.start()
			if page := p.post("/set-up/skip"); !strings.Contains(page, "Two factor authentication set-up is complete.") {
				t.Fatalf("set-up is lost: %s", page)
			}
		})
	}
}
