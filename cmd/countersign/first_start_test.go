package main_test

import (
	"bufio"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// A start without a mail server says so on standard output, beside the link of the first
// administrator.
func TestServeSaysThatThereIsNoMail(t *testing.T) {
	binary := build(t)
	for name, c := range map[string]struct {
		args []string
		says bool
	}{"none": {nil, true}, "one": {[]string{"--smtp-url", "smtp://127.0.0.1:1?tls=none", "--mail-from", "support@acme.example"}, false}} {
		command := exec.Command(binary, append([]string{"serve", "--public-url", "http://localhost:" + freePort(t), "--listen", "127.0.0.1:0",
			"--ops-listen", "127.0.0.1:0", "--data", t.TempDir(), "--log-level", "error"}, c.args...)...)
		out, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		said, lines := "", bufio.NewReader(out)
		for err == nil && !strings.Contains(said, "First administrator: ") {
			var line string
			line, err = lines.ReadString('\n')
			said += line
		}
		_ = command.Process.Kill()
		_, _ = io.Copy(io.Discard, out)
		_ = command.Wait()
		if err != nil || strings.Contains(said, "No mail server is set up") != c.says || c.says && !strings.Contains(said, "Set --smtp-url and --mail-from.") {
			t.Errorf("%s: %q %v", name, said, err)
		}
	}
}
