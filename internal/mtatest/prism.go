package mtatest

import (
	_ "embed"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"countersign/internal/childproc"
)

// description is Twilio's own description of its messages (OpenAPI, MIT license, from
// github.com/twilio/twilio-oai), with the limits from its texts added as rules.
//
//go:embed twilio-messages.json
var description []byte

// Twilio is Prism, a mock server from npm, with Twilio's description. It answers 400 to every
// request that the description does not allow, and says why.
type Twilio struct{ Host string }

// StartTwilio starts Prism; it ends with the test.
func StartTwilio(t testing.TB) Twilio {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Twilio{Host: l.Addr().String()}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "twilio.json")
	if err := os.WriteFile(file, description, 0o644); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(s.Host)
	run, _, err := childproc.Run(`
		[ -x "$1" ] || { echo "$1 was not found: scripts/install-test-tools installs it"; exit 1; }
		setsid "$1" mock -h 127.0.0.1 -p "$2" "$3" >/dev/null 2>&1 </dev/null &
		prism=$!
		trap 'kill -s TERM -- "-$prism" 2>/dev/null; wait "$prism" 2>/dev/null' EXIT
		trap 'exit 1' HUP INT TERM
		echo "ok started"
		exec >/dev/null 2>&1
		while read -r _; do :; done`, prism(), port, file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Release() })
	s.wait(t)
	return s
}

// prism returns the path where scripts/install-test-tools installs it.
func prism() string {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "prism"
	}
	return filepath.Join(root, ".cache", "prism-5.14.2", "node_modules", ".bin", "prism")
}

func (s Twilio) wait(t testing.TB) {
	t.Helper()
	for end := time.Now().Add(2 * patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		answer, err := http.Get("http://" + s.Host + "/")
		if err == nil {
			_ = answer.Body.Close()
			return
		}
	}
	t.Fatal("Prism does not answer")
}

// URL returns the setting that sends text messages here.
func (s Twilio) URL(query string) string {
	return fmt.Sprintf("twilio://AC00000000000000000000000000000012:s3cret@%s?%s", s.Host, query)
}
