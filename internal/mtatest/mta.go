// Package mtatest provides servers for the messages of tests: a real mail server, exim4, that
// requires STARTTLS and a login, and gateways for text messages. They keep what they are
// given.
package mtatest

import (
	_ "embed"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"countersign/internal/childproc"
)

// The login that the mail server requires.
const (
	User     = "countersign"
	Password = "smtp-secret"
)

// An MTA is a mail server on loopback. It accepts mail for every address except these. It
// refuses nobody@ and full@ (550, 552), later@ temporarily (450) and grey@ for a second (451).
// For data4@, data5@ and drop@ it answers 451, 554 and 421 when it has the mail. For hangdata@
// it stops answering before the mail. For slowend@ it accepts the mail but answers only after
// five seconds.
type MTA struct {
	dir   string
	ports map[Door]int
	guard *childproc.Guard // nil: stopped
}

// A Door is a port of the server; each behaves differently.
type Door string

// The ports.
const (
	Usual    Door = "PORT"     // STARTTLS, a valid certificate
	Implicit Door = "IMPLICIT" // TLS from the first byte
	Foreign  Door = "FOREIGN"  // STARTTLS with another host's certificate
	Unsecure Door = "UNSECURE" // no STARTTLS, as after an attack in the network
	Away     Door = "AWAY"     // 421 at once
)

//go:embed exim.sh
var script string

//go:embed exim.conf
var settings string

// Start starts a mail server, which ends with the test.
func Start(t testing.TB) *MTA {
	t.Helper()
	hold, dir, err := childproc.Dir()
	if err != nil {
		t.Fatal(err)
	}
	m := &MTA{dir: dir}
	t.Cleanup(func() {
		m.Stop(t)
		if err := hold.Release(); err != nil {
			t.Error(err)
		}
	})
	if err := makeCertificates(dir); err != nil {
		t.Fatal(err)
	}
	for range 5 { // another process may take the free port in between
		if err = m.configure(); err != nil {
			t.Fatal(err)
		}
		if err = m.start(); err == nil || !strings.Contains(err.Error(), "in use") {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Start starts the server again after Stop, on the same port, with the mail that it had. It
// does nothing if the server is running.
func (m *MTA) Start(t testing.TB) {
	t.Helper()
	if m.guard != nil {
		return
	}
	if err := m.start(); err != nil {
		t.Fatal(err)
	}
}

// Stop stops the server: from now on connections are refused. Accepted mail can still be read.
func (m *MTA) Stop(t testing.TB) {
	t.Helper()
	if m.guard == nil {
		return
	}
	err := m.guard.Release()
	m.guard = nil
	if err != nil {
		t.Fatal(err)
	}
}

// Leave stops the server as its operator does: it accepts no new connection and finishes those
// that it has. Stop breaks them off, and can lose mail that exim has just accepted.
func (m *MTA) Leave(t testing.TB) {
	t.Helper()
	if m.guard == nil {
		return
	}
	server := m.process(t)
	if err := syscall.Kill(server, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); isRunning(t, server) && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	m.Stop(t)
}

// isRunning reports whether a process group has a process that is not a zombie: the server itself
// stays one until its script waits for it.
func isRunning(t testing.TB, group int) bool {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended in between
		}
		after := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])) // state, parent, group
		if len(after) > 2 && after[0] != "Z" && after[2] == strconv.Itoa(group) {
			return true
		}
	}
	return false
}

// Pause stops the server's processes: connections are made, but nothing is answered. The
// server must be running.
func (m *MTA) Pause(t testing.TB) { m.signal(t, syscall.SIGSTOP) }

// Resume continues the server after Pause.
func (m *MTA) Resume(t testing.TB) { m.signal(t, syscall.SIGCONT) }

// signal sends a signal to the server and all its connections: they are one process group, led
// by the server.
func (m *MTA) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(-m.process(t), s); err != nil {
		t.Fatal(err)
	}
}

// process returns the server's process ID.
func (m *MTA) process(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(m.dir, "exim.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// URL returns the setting that sends mail here, with the login and the certificate file of the
// authority.
func (m *MTA) URL() string { return m.At(Usual) }

// At returns the setting that sends mail to one of the server's ports. query adds names and
// values to the URL's query.
func (m *MTA) At(d Door, query ...string) string {
	q := url.Values{"tls": {"starttls"}, "ca": {m.Authority()}}
	if d == Implicit {
		q.Set("tls", "implicit")
	}
	for i := 0; i+1 < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	u := url.URL{Scheme: "smtp", User: url.UserPassword(User, Password), Host: fmt.Sprintf("127.0.0.1:%d", m.ports[d]), RawQuery: q.Encode()}
	return u.String()
}

// Bearer sets the only token that the server accepts for a login by XOAUTH2.
func (m *MTA) Bearer(t testing.TB, token string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, "bearer"), []byte(token), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Authority returns the PEM file of the authority that signed the server's certificate.
func (m *MTA) Authority() string { return filepath.Join(m.dir, "ca.pem") }

func (m *MTA) start() (err error) {
	m.guard, _, err = childproc.Run(script, m.dir)
	return err
}

// configure chooses free ports and writes the settings for the user that exim runs as.
func (m *MTA) configure() error {
	m.ports = map[Door]int{}
	pairs := []string{"DIR", m.dir}
	for _, d := range []Door{Usual, Implicit, Foreign, Unsecure, Away} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer func() { _ = l.Close() }() // all open at once, so that no port is used twice
		m.ports[d] = l.Addr().(*net.TCPAddr).Port
		pairs = append(pairs, string(d), fmt.Sprint(m.ports[d]))
	}
	name, group, err := mailUser()
	if err != nil {
		return err
	}
	fill := strings.NewReplacer(append(pairs, "USER", name, "GROUP", group)...)
	for _, dir := range []string{"spool", "log"} {
		if err := os.MkdirAll(filepath.Join(m.dir, dir), 0o755); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(m.dir, "exim.conf"), []byte(fill.Replace(settings)), 0o644)
}

// mailUser returns the user of Debian's package if run by root, otherwise the current user.
func mailUser() (name, group string, err error) {
	if os.Getuid() == 0 {
		return "Debian-exim", "Debian-exim", nil
	}
	u, err := user.Current()
	if err != nil {
		return "", "", err
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		return "", "", err
	}
	return u.Username, g.Name, nil
}
