package main_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"countersign/internal/mtatest"
	"countersign/internal/pgtest"
)

const everybodysPassword = "correct horse battery staple"

// A signer signs in again and again with the password and an emailed token, which uses everything
// that is sealed.
type signer struct {
	at, login, email string
	mta              *mtatest.MTA
	seen             map[string]bool // tokens already read: mails arrive in any order
	http             *http.Client
	page             string
}

// signIn runs one sign-in in a new browser.
func (s *signer) signIn(t *testing.T) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	s.http = &http.Client{Jar: jar}
	if err := s.get("/sign-in"); err != nil {
		return err
	}
	if err := s.post("/sign-in", "user_id", s.login, "password", everybodysPassword); err != nil {
		return err
	}
	token, err := s.token(t)
	if err != nil {
		return err
	}
	path := "/sign-in/token"
	if strings.Contains(s.page, "/set-up/") {
		path = "/set-up/email/token"
	}
	if err := s.post(path, "token", token); err != nil {
		return err
	}
	if path != "/sign-in/token" {
		if err := s.post("/set-up/skip"); err != nil {
			return err
		}
	}
	if err := s.get("/"); err != nil {
		return err
	}
	if !strings.Contains(s.page, "Sign out") {
		return fmt.Errorf("no session: %s", s.page)
	}
	return nil
}

func (s *signer) get(path string) error { return s.read(s.http.Get(s.at + path)) }

func (s *signer) post(path string, fields ...string) error {
	form := url.Values{}
	if found := formToken.FindStringSubmatch(s.page); found != nil {
		form.Set("form_token", found[1])
	}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return s.read(s.http.PostForm(s.at+path, form))
}

func (s *signer) read(answer *http.Response, err error) error {
	if err != nil {
		return err
	}
	body, err := io.ReadAll(answer.Body)
	s.page = string(body)
	if answer.StatusCode >= 500 {
		return fmt.Errorf("%s answered %d: %s", answer.Request.URL, answer.StatusCode, s.page)
	}
	return errors.Join(err, answer.Body.Close())
}

// token returns the token of the next mail that has one.
func (s *signer) token(t *testing.T) (string, error) {
	if strings.Contains(s.page, "/set-up/email") {
		if err := s.post("/set-up/email", "email", s.email); err != nil {
			return "", err
		}
	}
	for range 600 {
		for _, m := range s.mta.Mails(t, s.email) {
			if found := tokenSentence.FindStringSubmatch(m.Text); found != nil && !s.seen[found[1]] {
				s.seen[found[1]] = true
				return found[1], nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return "", errors.New("no token came; the page says: " + s.page)
}

// KY-02: the master key is replaced while users sign in, on one node with SQLite and on two with
// PostgreSQL: no sign-in fails, nothing is sealed with the old key afterwards, and it is no longer
// in the file.
func TestKeyRotationUnderLoad(t *testing.T) {
	binary := build(t)
	for engine, nodes := range map[string]int{"SQLite": 1, "PostgreSQL": 2} {
		t.Run(engine, func(t *testing.T) {
			mta, data := mtatest.Start(t), t.TempDir()
			key := filepath.Join(data, "master.key")
			database := "sqlite:" + filepath.Join(data, "countersign.db")
			if engine == "PostgreSQL" {
				database = pgtest.DSN(t)
			}
			var all []*node
			var people []*signer
			for i := range nodes {
				port := freePort(t)
				n := &node{t: t, binary: binary, url: "http://localhost:" + port, args: []string{
					"--public-url", "http://localhost:" + port, "--listen", "127.0.0.1:" + port, "--ops-listen", "127.0.0.1:" + freePort(t), "--data", data,
					"--database", database, "--smtp-url", mta.URL(), "--mail-from", "Acme Support <support@acme.example>", "--log-level", "error"}}
				login := fmt.Sprintf("USER%d", i)
				email := strings.ToLower(login) + "@acme.example"
				n.run(everybodysPassword+"\n", "user", "add", "--id", login, "--name", "User", "--email", email, "--password-file", "-")
				all, people = append(all, n), append(people, &signer{at: n.url, login: login, email: email, mta: mta, seen: map[string]bool{}})
			}
			all[0].run("", "message", "test", "--to", "proof@acme.example")
			for code, value := range map[string]string{"2FA": "On", "2FAFREQUENCY": "0", "TOKENMINUTES": "10"} {
				all[0].run("", "preference", "set", code, value)
			}
			for _, n := range all {
				n.start()
			}
			for _, p := range people {
				if err := p.signIn(t); err != nil { // sets up
					t.Fatal(err)
				}
			}
			before, err := os.ReadFile(key)
			if err != nil {
				t.Fatal(err)
			}
			old := keyStatus(t, all[0]).Keys[0].ID

			var rotated atomic.Bool
			var running sync.WaitGroup
			counts := make([]int, len(people))
			for i, p := range people {
				running.Go(func() {
					for last := false; !last; counts[i]++ {
						last = rotated.Load() // one more after the rotation
						if err := p.signIn(t); err != nil {
							t.Errorf("%s, sign-in %d: %v", p.login, counts[i], err)
							return
						}
					}
				})
			}
			said := all[0].run("", "key", "rotate")
			rotated.Store(true)
			running.Wait()
			t.Logf("%v sign-ins; %s", counts, said)

			after := keyStatus(t, all[0])
			if len(after.Keys) != 1 || after.Keys[0].ID == old || len(after.Nodes) != nodes {
				t.Errorf("the keys are %+v", after)
			}
			for _, s := range after.Sealed {
				if s.Key == old {
					t.Errorf("%d values of %s.%s name the old key", s.Rows, s.Table, s.Column)
				}
			}
			now, err := os.ReadFile(key)
			if err != nil || strings.Contains(string(now), strings.TrimSpace(string(before))) {
				t.Errorf("the old key is still in the file: %v", err)
			}
			if steps := all[0].run("", "audit", "list", "--action", "key.rotated", "--json"); strings.Count(steps, `"action":"key.rotated"`) != 3 {
				t.Errorf("the audit log does not tell of the three steps: %s", steps)
			}
			for _, n := range all { // a node that starts now needs only the new key
				n.kill()
				n.start()
			}
			if said := all[0].run("", "audit", "verify"); !strings.Contains(said, "unchanged and in order") {
				t.Errorf("audit verify said %s", said)
			}
		})
	}
}

type statusOfKeys struct {
	Keys []struct {
		ID, State string
		Rows      int
	}
	Sealed []struct {
		Table, Column, Key string
		Rows               int
	}
	Nodes []struct{ ID string }
}

func keyStatus(t *testing.T, n *node) (s statusOfKeys) {
	t.Helper()
	if err := json.Unmarshal([]byte(n.run("", "key", "status", "--json")), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// KY-02: the program does not start with a key file that is missing, short, a default, readable by
// others or empty: exit code 2, and one line that names the file but not its contents.
func TestBadKeyFilesAreRefused(t *testing.T) {
	binary, data := build(t), t.TempDir()
	key := filepath.Join(data, "master.key")
	args, port := []string{"agency", "list", "--data", data}, freePort(t)
	n := &node{t: t, binary: binary, args: []string{"--public-url", "http://localhost:" + port, "--listen", "127.0.0.1:" + port,
		"--ops-listen", "127.0.0.1:" + freePort(t), "--data", data}}
	n.start() // creates the key
	n.kill()
	if out, err := exec.Command(binary, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	good, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	zeros := base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n"
	for name, spoil := range map[string]func() error{
		"missing":           func() error { return os.Remove(key) },
		"empty":             func() error { return os.WriteFile(key, nil, 0o600) },
		"short":             func() error { return os.WriteFile(key, good[:20], 0o600) },
		"a default":         func() error { return os.WriteFile(key, []byte(zeros), 0o600) },
		"words":             func() error { return os.WriteFile(key, []byte("changeme changeme changeme change\n"), 0o600) },
		"another line":      func() error { return os.WriteFile(key, append(slices.Clone(good), "# comment\n"...), 0o600) },
		"only waiting":      func() error { return os.WriteFile(key, append([]byte("wait "), good...), 0o600) },
		"readable by all":   func() error { return os.Chmod(key, 0o644) },
		"readable by group": func() error { return os.Chmod(key, 0o640) },
		"a directory":       func() error { return errors.Join(os.Remove(key), os.Mkdir(key, 0o700)) },
	} {
		if err := errors.Join(os.RemoveAll(key), os.WriteFile(key, good, 0o600), os.Chmod(key, 0o600), spoil()); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(binary, args...)
		var out, problems strings.Builder
		c.Stdout, c.Stderr = &out, &problems
		_ = c.Run()
		said := problems.String()
		if c.ProcessState.ExitCode() != 2 || out.Len() > 0 || strings.Count(said, "\n") != 1 || !strings.Contains(said, "--master-key-file") || !strings.Contains(said, key) {
			t.Errorf("%s: exit code %d, %q %q", name, c.ProcessState.ExitCode(), out.String(), said)
		}
		if shows(said, good) {
			t.Errorf("%s: the key is printed", name)
		}
	}
}

// KY-02: neither the process list, nor the environment, nor the output of a crash contains the key.
func TestTheKeyIsShownNowhere(t *testing.T) {
	data, port := t.TempDir(), freePort(t)
	n := &node{t: t, binary: build(t), args: []string{"--public-url", "http://localhost:" + port, "--listen", "127.0.0.1:" + port,
		"--ops-listen", "127.0.0.1:" + freePort(t), "--data", data}}
	n.start()
	key, err := os.ReadFile(filepath.Join(data, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", n.command.Process.Pid, file))
		if err != nil || len(text) == 0 {
			t.Fatal(err)
		}
		if shows(string(text), key) {
			t.Errorf("/proc/PID/%s holds the key", file)
		}
	}
	n.kill()
	c := exec.Command(n.binary, append([]string{"serve"}, n.args...)...)
	crash, err := os.Create(filepath.Join(t.TempDir(), "crash"))
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = crash
	c.Env = append(os.Environ(), "GOTRACEBACK=system")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = out.Read(make([]byte, 100))    // it listens
	_ = c.Process.Signal(syscall.SIGQUIT) // prints all stacks, as a panic does
	_ = c.Wait()
	text, err := os.ReadFile(crash.Name())
	if err != nil || !strings.Contains(string(text), "goroutine ") {
		t.Fatalf("it did not crash: %v %s", err, text)
	}
	if shows(string(text), key) {
		t.Error("a crash prints the key")
	}
}

// shows reports whether a text contains the key of a file in any form.
func shows(text string, file []byte) bool {
	line := strings.TrimSpace(string(file))
	raw, err := base64.StdEncoding.DecodeString(line)
	if err != nil {
		return true
	}
	for _, form := range []string{line, line[:20], string(raw), hex.EncodeToString(raw), hex.EncodeToString(raw[:8]), strings.Trim(fmt.Sprint(raw[:12]), "[]")} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			return true
		}
	}
	return false
}
