package e2e

import (
	_ "embed"
	"io"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"countersign/internal/browsertest"
	"countersign/internal/childproc"
)

//go:embed nginx.conf
var nginxSettings string

// An nginx is a running nginx with the address of each of its servers.
type nginx struct{ plain, fetch, silent, lost string }

// startNginx starts nginx in front of the program at an address. It ends with the test.
func startNginx(t *testing.T, program string) nginx {
	t.Helper()
	hold, dir, err := childproc.Dir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hold.Release() })
	ports := []string{freePort(t), freePort(t), freePort(t), freePort(t)}
	as := "" // if root: otherwise the workers run as another user, who can't write to dir
	if me, err := user.Current(); err == nil && me.Uid == "0" {
		as = "user root root;"
	}
	filled := strings.NewReplacer("DIR", dir, "USER", as, "PROGRAM", program,
		"PLAIN", ports[0], "FETCH", ports[1], "SILENT", ports[2], "LOST", ports[3]).Replace(nginxSettings)
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(filled), 0o644); err != nil {
		t.Fatal(err)
	}
	run, _, err := childproc.Run(`
		[ -x /usr/sbin/nginx ] || { echo "nginx was not found: the Debian package nginx-light has it, and 'make test' installs it"; exit 1; }
		/usr/sbin/nginx -p "$1" -c "$1/nginx.conf" -e stderr >"$1/out" 2>&1 </dev/null &
		nginx=$!
		trap 'kill -s TERM "$nginx" 2>/dev/null; wait "$nginx" 2>/dev/null' EXIT
		trap 'exit 1' HUP INT TERM
		until [ -s "$1/nginx.pid" ]; do # written when it listens
			kill -0 "$nginx" 2>/dev/null || { echo "nginx did not start: $(tail -n 3 "$1/out" | tr '\n' ' ')"; exit 1; }
			sleep 0.05
		done
		echo "ok started"
		exec >/dev/null 2>&1
		while read -r _; do :; done`, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Release() })
	at := func(port string) string { return "127.0.0.1:" + port }
	return nginx{at(ports[0]), at(ports[1]), at(ports[2]), at(ports[3])}
}

// Behind a real nginx users can sign in, whatever headers it removes. Their address is the one
// nginx saw, not one they claim. A port that nginx drops is explained.
func TestBehindNginx(t *testing.T) {
	t.Parallel()
	program, address := "127.0.0.1:"+freePort(t), "http://localhost:"+freePort(t) // the address in the browser
	out := start(t, "serve", "--public-url", address, "--listen", program, "--ops-listen", "127.0.0.1:"+freePort(t), "--data", t.TempDir(),
		"--trusted-proxy", "127.0.0.1/32", "--log-level", "error")
	link := firstLink(t, out)
	n := startNginx(t, program)
	open := func(server, from string) *browsertest.Window {
		return browsertest.Open(t, browsertest.Options{From: from, Hosts: map[string]string{strings.TrimPrefix(address, "http://"): server}})
	}
	w := open(n.fetch, "127.0.0.41")
	w.Go(link) // the form of a secret link sends Origin null
	w.Type("name", "Ann Admin")
	w.Type("email", "admin@acme.example")
	w.Type("new_password", password)
	w.Press("Make the administrator")
	for server, from := range map[string]string{n.plain: "127.0.0.42", n.fetch: "127.0.0.43", n.silent: "127.0.0.44"} {
		w := open(server, from)
		signIn(w, address, "ADMIN", password)
		want(t, w, "You are signed in, Ann")
		w.Go(address + "/profile")
		want(t, w, from+". Signed in today")
		if strings.Contains(w.Text(), "198.51.100.9") {
			t.Errorf("the address that a visitor claims is taken: %s", w.Text())
		}
		w.Press("Sign out")
		want(t, w, "Sign in")
	}
	r, err := http.NewRequest(http.MethodGet, "http://"+n.lost+"/sign-in", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = strings.TrimPrefix(address, "http://")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	page, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusMisdirectedRequest || !strings.Contains(string(page), "proxy_set_header Host $http_host;") {
		t.Errorf("a lost port: %s %v %s", answer.Status, err, page)
	}
}
