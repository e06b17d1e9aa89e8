package childproc

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// marker keeps the file $1 until its Guard is released.
const marker = `
trap 'rm -f "$1"' EXIT
touch "$1"
echo "ok holding $1"
exec >/dev/null 2>&1
while read -r _; do :; done
`

func TestTheScriptRunsUntilItIsLetGo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "marker")
	l, line, err := Run(marker, file)
	if err != nil {
		t.Fatal(err)
	}
	if want := "holding " + file; line != want {
		t.Errorf("got %q, want %q", line, want)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the script does not run: %v", err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the script has not tidied up: %v", err)
	}
}

func TestAScriptThatFailsSaysWhy(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"in a sentence", `echo "$1 is missing"; exit 1`, "exim4 is missing"},
		{"in several lines", `echo "a bad setting"; echo "in line 3" >&2; exit 1`, "a bad setting\nin line 3"},
		{"and goes on until it is let go", `echo "a bad setting"; exec >/dev/null 2>&1; while read -r _; do :; done`, "a bad setting"},
		{"without a word", `exit 3`, "did not start"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := Run(c.script, "exim4")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestADirectoryIsGoneWithAllThatIsInIt(t *testing.T) {
	l, dir, err := Dir()
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("got %v, %v, want a directory that others can enter", info, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}

// child, if set, names the file that the test process passes to a marker script; the process
// then waits to be killed.
const child = "COUNTERSIGN_LEASH_CHILD"

func TestMain(m *testing.M) {
	file := os.Getenv(child)
	if file == "" {
		os.Exit(m.Run())
	}
	l, line, err := Run(marker, file)
	if err != nil {
		line = err.Error()
	}
	os.Stdout.WriteString(line + "\n")
	time.Sleep(time.Hour)
	l.Release()
}

func TestTheScriptEndsWhenItsTestsAreKilled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "marker")
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), child+"="+file)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "holding "+file+"\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.Wait()
	for range 600 { // ends as soon as the file is gone; the limit is for a failing test
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("the script still runs")
}
