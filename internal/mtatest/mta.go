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
	"strings"
	"testing"

	"countersign/internal/leash"
)

// The login that the mail server demands.
const (
	User     = "countersign"
	Password = "smtp-secret"
)

// An MTA is a mail server on loopback. It takes mail for every address but two:
// nobody@ is refused (550), and later@ is asked to come again (450).
type MTA struct {
	dir   string
	port  int
	leash *leash.Leash // nil: stopped
}

//go:embed exim.sh
var script string

//go:embed exim.conf
var settings string

// Start starts a mail server, which ends with the test.
func Start(t testing.TB) *MTA {
	t.Helper()
	hold, dir, err := leash.Dir()
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
	if m.leash != nil {
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
	if m.leash == nil {
		return
	}
	err := m.leash.Release()
	m.leash = nil
	if err != nil {
		t.Fatal(err)
	}
}

// URL is the setting that leads mail here, with the login and the file of the
// authority that signed the server's certificate.
func (m *MTA) URL() string {
	u := url.URL{
		Scheme:   "smtp",
		User:     url.UserPassword(User, Password),
		Host:     fmt.Sprintf("127.0.0.1:%d", m.port),
		RawQuery: url.Values{"tls": {"starttls"}, "ca": {m.Authority()}}.Encode(),
	}
	return u.String()
}

// Authority is the file, in PEM, of the authority that signed the server's certificate.
func (m *MTA) Authority() string { return filepath.Join(m.dir, "ca.pem") }

func (m *MTA) start() (err error) {
	m.leash, _, err = leash.Run(script, m.dir)
	return err
}

// configure chooses a free port and writes the settings for the user that exim runs as.
func (m *MTA) configure() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	m.port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return err
	}
	name, group, err := mailUser()
	if err != nil {
		return err
	}
	fill := strings.NewReplacer("DIR", m.dir, "PORT", fmt.Sprint(m.port), "USER", name, "GROUP", group)
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
