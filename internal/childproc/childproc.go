// Package childproc runs the programs that tests need. None of them outlives the test process,
// however that ends: a script at the other end of a pipe notices the end and cleans up.
package childproc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// A Guard holds a running script. The script ends when the Guard is released or the test
// process ends.
type Guard struct {
	hold  *os.File
	shell *exec.Cmd
}

// Run starts a script for /bin/sh, with args as $1 and so on, and waits until it
// prints its first line: "ok " and a text for the caller, which Run returns. Anything
// else that it prints is the reason of a failure, and becomes the error.
//
// The script must read its standard input, which is never written to, until it is
// closed; then it must end what it started. Run starts no goroutine and no timer, so
// that it works inside a synctest bubble.
func Run(script string, args ...string) (*Guard, string, error) {
	in, hold, err := os.Pipe()
	if err != nil {
		return nil, "", err
	}
	defer in.Close()
	said, out, err := os.Pipe()
	if err != nil {
		return nil, "", errors.Join(err, hold.Close())
	}
	defer said.Close()
	shell := exec.Command("/bin/sh", append([]string{"-c", script, "sh"}, args...)...)
	shell.Dir = "/" // the program may run as another user, who can't enter the test's directory
	shell.Stdin, shell.Stdout, shell.Stderr = in, out, out
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // an interrupt at the terminal must not kill it before it has cleaned up
	err = shell.Start()
	out.Close()
	if err != nil {
		return nil, "", errors.Join(err, hold.Close())
	}
	g := &Guard{hold: hold, shell: shell}
	words := bufio.NewReader(said)
	line, err := words.ReadString('\n')
	if answer, ok := strings.CutPrefix(line, "ok "); ok && err == nil {
		return g, strings.TrimSpace(answer), nil
	}
	err = g.Release()
	rest, _ := io.ReadAll(words)
	return nil, "", errors.Join(fmt.Errorf("the program did not start: %s", strings.TrimSpace(line+string(rest))), err)
}

// Dir makes a directory with a short path that every user may enter, and removes it when the
// Guard is released. Unlike one of t.TempDir, it does not outlive tests that are killed, and
// programs of other users can work in it.
func Dir() (*Guard, string, error) {
	return Run(`
		dir=$(mktemp -d /tmp/cs-dir-XXXXXX) && chmod 755 "$dir" || exit 1
		trap 'until rm -rf "$dir" 2>/dev/null; do sleep 0.1; done' EXIT
		trap 'exit 1' HUP INT TERM
		echo "ok $dir"
		exec >/dev/null 2>&1
		while read -r _; do :; done`)
}

// Release ends the script and waits until it has ended.
func (g *Guard) Release() error {
	if err := g.hold.Close(); err != nil {
		return err
	}
	var exit *exec.ExitError
	if err := g.shell.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}
