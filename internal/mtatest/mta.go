// Package mtatest lends tests what letters and texts are sent to: a real mail
// server, exim4, that demands STARTTLS and a login, and a gateway for text
// messages that speaks HTTP. Both keep what they are given.
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

// The login that the mail server demands.
const (
	User     = "countersign"
	Password = "smtp-secret"
)

// An MTA is a mail server on loopback. It takes mail for every address but
// these: nobody@ and full@ are refused (550, 552), later@ is asked to come again
// (450) and grey@ to come again after a second (451); for data4@, data5@ and
// drop@ it answers 451, 554 and 421 when it has the mail; for hangdata@ it is
// silent before the mail, and for slowend@ it takes the mail but waits for five
// seconds before it says so.
type MTA struct {
	dir   string
	ports map[Door]int
	guard *childproc.Guard // nil: stopped
}

// A Door is a port of the server, which each behave in their own way.
type Door string

// The doors.
const (
	Usual    Door = "PORT"     // STARTTLS, the right certificate
	Implicit Door = "IMPLICIT" // TLS from the first byte
	Foreign  Door = "FOREIGN"  // STARTTLS with another host's certificate
	Unsecure Door = "UNSECURE" // no STARTTLS, as after an attack on the way
	Away     Door = "AWAY"     // 421 as soon as one comes
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
	for range 5 { // somebody else may take the free port meanwhile
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

// Start starts the server again after Stop, on the same port, with the mail
// that it had. It does nothing if the server runs.
func (m *MTA) Start(t testing.TB) {
	t.Helper()
	if m.guard != nil {
		return
	}
	if err := m.start(); err != nil {
		t.Fatal(err)
	}
}

// Stop ends the server: from here on connections are refused. What it had
// accepted can still be read.
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

// Leave ends the server as its operator does: it takes no new conversation, and
// finishes those that it has. Stop breaks them off, and with them mail that exim
// has just called accepted.
func (m *MTA) Leave(t testing.TB) {
	t.Helper()
	if m.guard == nil {
		return
	}
	server := m.process(t)
	if err := syscall.Kill(server, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); works(t, server) && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	m.Stop(t)
}

// works tells whether a group has a process that is not dead: the server itself
// stays as one until its script looks.
func works(t testing.TB, group int) bool {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		after := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])) // state, parent, group
		if len(after) > 2 && after[0] != "Z" && after[2] == strconv.Itoa(group) {
			return true
		}
	}
	return false
}

// Pause lets the server fall silent in whatever it does: connections are made,
// and nothing is said. It must run.
func (m *MTA) Pause(t testing.TB) { m.signal(t, syscall.SIGSTOP) }

// Resume lets it go on after Pause.
func (m *MTA) Resume(t testing.TB) { m.signal(t, syscall.SIGCONT) }

// signal reaches the server and every conversation that it has: they are one
// group of processes, led by the server.
func (m *MTA) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(-m.process(t), s); err != nil {
		t.Fatal(err)
	}
}

// process is the server's.
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

// URL is the setting that leads mail here, with the login and the file of the
// authority that signed the server's certificate.
func (m *MTA) URL() string { return m.At(Usual) }

// At is the setting that leads mail to one of the server's doors, with more for
// its query: names and values.
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

// Bearer sets the only token that the server takes for a login by XOAUTH2.
func (m *MTA) Bearer(t testing.TB, token string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, "bearer"), []byte(token), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Authority is the file, in PEM, of the authority that signed the server's certificate.
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
		defer func() { _ = l.Close() }() // all at once: no port twice
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

// mailUser is the user of Debian's package for root, and oneself for others.
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
