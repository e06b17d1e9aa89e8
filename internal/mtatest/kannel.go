package mtatest

import (
	_ "embed"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/internal/childproc"
)

//go:embed kannel.conf
var kannelSettings string

// Kannel is Debian's gateway for text messages. It is an SMPP client of a given message center
// and shares no code with ours.
type Kannel struct {
	http, admin string
}

// StartKannel starts Kannel as a client of a message center and waits until it is bound. It
// ends with the test.
func StartKannel(t testing.TB, center string) *Kannel {
	t.Helper()
	hold, dir, err := childproc.Dir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hold.Release() })
	k := &Kannel{http: freeAddress(t), admin: freeAddress(t)}
	port := func(address string) string { _, p, _ := net.SplitHostPort(address); return p }
	filled := strings.NewReplacer("DIR", dir, "ADMIN", port(k.admin), "BOX", port(freeAddress(t)), "HTTP", port(k.http), "CENTER", port(center)).Replace(kannelSettings)
	file := filepath.Join(dir, "kannel.conf")
	if err := os.WriteFile(file, []byte(filled), 0o644); err != nil {
		t.Fatal(err)
	}
	run, _, err := childproc.Run(`
		[ -x /usr/sbin/bearerbox ] || { echo "Kannel was not found: the Debian package kannel has it, and 'make test' installs it"; exit 1; }
		setsid sh -c '/usr/sbin/bearerbox "$1" & sleep 1; exec /usr/sbin/smsbox "$1"' sh "$1" >/dev/null 2>&1 </dev/null &
		boxes=$!
		trap 'kill -s TERM -- "-$boxes" 2>/dev/null; sleep 1; kill -s KILL -- "-$boxes" 2>/dev/null; wait "$boxes" 2>/dev/null' EXIT
		trap 'exit 1' HUP INT TERM
		echo "ok started"
		exec >/dev/null 2>&1
		while read -r _; do :; done`, file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Release() })
	k.wait(t, dir)
	return k
}

// wait waits until Kannel is bound to the center and accepts messages.
func (k *Kannel) wait(t testing.TB, dir string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		status := fetch("http://" + k.admin + "/status.txt?password=admin")
		if strings.Contains(status, "(online") && strings.Contains(status, "smsbox") && fetch("http://"+k.http+"/") != "" {
			return
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(dir, "bearerbox.log"))
			t.Fatalf("Kannel is not ready: %s\n%s", status, log)
		}
	}
}

func fetch(address string) string {
	answer, err := http.Get(address)
	if err != nil {
		return ""
	}
	defer func() { _ = answer.Body.Close() }()
	body, _ := io.ReadAll(answer.Body)
	return string(body) + " "
}

// Send sends a text through Kannel, as UCS-2 if wide is set, which characters outside of its
// own alphabet need.
func (k *Kannel) Send(t testing.TB, from, to, text string, wide bool) {
	t.Helper()
	q := url.Values{"username": {"cs"}, "password": {"secret"}, "from": {from}, "to": {to}, "text": {text}, "charset": {"UTF-8"}, "coding": {"0"}, "dlr-mask": {"31"}, "dlr-url": {"http://127.0.0.1:1/"}}
	if wide {
		q.Set("coding", "2")
	}
	answer, err := http.Get(fmt.Sprintf("http://%s/cgi-bin/sendsms?%s", k.http, q.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if body, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusAccepted {
		t.Fatalf("Kannel said %d %s", answer.StatusCode, body)
	}
}
