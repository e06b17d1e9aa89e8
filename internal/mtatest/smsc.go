package mtatest

import (
	_ "embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/internal/childproc"
)

//go:embed smsc.pl
var smsc string

// Center is an SMPP message center made with Debian's Net::SMPP. It shares no code with our
// client. smsc.pl says what it does for which number.
type Center struct {
	Address string
	log     string
}

// StartCenter starts a message center, which ends with the test.
func StartCenter(t testing.TB) *Center {
	t.Helper()
	hold, dir, err := childproc.Dir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hold.Release() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Center{Address: l.Addr().String(), log: filepath.Join(dir, "log")}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "smsc.pl")
	if err := os.WriteFile(file, []byte(smsc), 0o644); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(c.Address)
	run, _, err := childproc.Run(`
		perl -MNet::SMPP -e 1 2>/dev/null || { echo "Net::SMPP was not found: the Debian package libnet-smpp-perl has it"; exit 1; }
		setsid perl "$1" "$2" "$3" 2>&1 </dev/null &
		center=$!
		trap 'kill -s TERM -- "-$center" 2>/dev/null; wait "$center" 2>/dev/null' EXIT
		trap 'exit 1' HUP INT TERM
		while read -r _; do :; done`, file, port, c.log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Release() })
	return c
}

// Wait waits for n lines of the center's log that begin with a word, and returns them.
func (c *Center) Wait(t testing.TB, word string, n int) []string {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		text, _ := os.ReadFile(c.log)
		var found []string
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, word+" ") {
				found = append(found, strings.TrimSpace(line))
			}
		}
		if len(found) >= n {
			return found
		}
		if time.Now().After(end) {
			t.Fatalf("got %d lines with %q, want %d:\n%s", len(found), word, n, text)
		}
	}
}

// URL returns the setting that sends text messages here.
func (c *Center) URL() string {
	return fmt.Sprintf("smpp://cs:secret@%s?from=%%2B16145550100", c.Address)
}
