package mtatest

import (
	_ "embed"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"countersign/internal/childproc"
)

//go:embed center.js
var centerScript string

// A NodeCenter is another implementation of a message center, from npm, over TCP or TLS. It
// simulates failures by the recipient's number, as center.js says.
type NodeCenter struct {
	Center
	Authority string // PEM file of the authority that signed its certificate; empty: plain TCP
}

// StartNodeCenter starts a message center, which ends with the test.
func StartNodeCenter(t testing.TB, secure bool) *NodeCenter {
	t.Helper()
	hold, dir, err := childproc.Dir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hold.Release() })
	file := filepath.Join(dir, "center.js")
	if err := os.WriteFile(file, []byte(centerScript), 0o644); err != nil {
		t.Fatal(err)
	}
	c := &NodeCenter{Center: Center{Address: freeAddress(t), log: filepath.Join(dir, "log")}}
	_, port, _ := net.SplitHostPort(c.Address)
	args := []string{cached("smpp-0.5.1", "node_modules"), file, port, c.log}
	if secure {
		if err := makeCertificates(dir); err != nil {
			t.Fatal(err)
		}
		c.Authority = filepath.Join(dir, "ca.pem")
		args = append(args, filepath.Join(dir, "server.key"), filepath.Join(dir, "server.pem"))
	}
	run, _, err := childproc.Run(`
		[ -d "$1/smpp" ] || { echo "the npm package smpp was not found in $1: scripts/install-test-tools installs it"; exit 1; }
		export NODE_PATH="$1"
		shift
		setsid node "$@" 2>&1 </dev/null &
		center=$!
		trap 'kill -s TERM -- "-$center" 2>/dev/null; wait "$center" 2>/dev/null' EXIT
		trap 'exit 1' HUP INT TERM
		while read -r _; do :; done`, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Release() })
	return c
}

// URL returns the setting that sends text messages here.
func (c *NodeCenter) URL() string {
	q := url.Values{"from": {"+16145550100"}}
	if c.Authority != "" {
		q.Set("tls", "implicit")
		q.Set("ca", c.Authority)
	}
	return fmt.Sprintf("smpp://cs:secret@%s?%s", c.Address, q.Encode())
}

// freeAddress returns an address that is free at the moment.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// cached returns the path of what scripts/install-test-tools fetches.
func cached(parts ...string) string {
	root, err := filepath.Abs("../..")
	if err != nil {
		root = "."
	}
	return filepath.Join(append([]string{root, ".cache"}, parts...)...)
}
