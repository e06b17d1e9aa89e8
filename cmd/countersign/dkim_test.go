package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// command runs the program in a directory of its own and returns its output.
func command(t *testing.T, dir string, args ...string) (out string, problems string, status int) {
	t.Helper()
	var o, p bytes.Buffer
	status = run(append([]string{"--data", dir, "--log-level", "error"}, args...), strings.NewReader(""), &o, &p)
	return o.String(), p.String(), status
}

// The command shows the DNS record to add.
func TestMessageDKIM(t *testing.T) {
	dir := t.TempDir()
	from := []string{"--mail-from", "Agency Support <support@acme.example>", "message", "dkim"}
	if out, problems, status := command(t, dir, append(from, "--new")...); status != 0 || !strings.Contains(out, "waits: publish its record, then give --sign cs1-main") ||
		!strings.Contains(out, `cs1-main._domainkey.acme.example. TXT "v=DKIM1; k=rsa; p=`) {
		t.Fatalf("%d %s %s", status, out, problems)
	}
	if _, problems, status := command(t, dir, append(from, "--sign", "cs7")...); status != 1 || !strings.Contains(problems, "There is no key cs7 for acme.example.") {
		t.Errorf("%d %s", status, problems)
	}
	out, _, status := command(t, dir, append(from, "--sign", "cs1-main", "--json")...)
	var keys []dkimJSON
	if err := json.Unmarshal([]byte(out), &keys); err != nil || status != 0 || len(keys) != 1 || !keys[0].Signs || len(keys[0].Record) < 400 {
		t.Errorf("%d %v %s", status, err, out)
	}
	if _, problems, status := command(t, dir, "message", "dkim"); status != 2 || !strings.Contains(problems, "--mail-from") {
		t.Errorf("%d %s", status, problems)
	}
}
