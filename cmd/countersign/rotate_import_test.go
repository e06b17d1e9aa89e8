package main_test

import (
	"bufio"
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"countersign/internal/pgtest"
)

// hashedUsers returns a file of users with their password hashes.
func hashedUsers(n int) string {
	var b strings.Builder
	b.WriteString("user_id,name,email,password_hash\n")
	for i := range n {
		fmt.Fprintf(&b, "U%d,User,u%d@acme.example,$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy\n", i, i)
	}
	return b.String()
}

// begin starts a command of the operator. said is its output, and ended waits for its end.
func (n *node) begin(input string, args ...string) (said *bufio.Reader, ended func()) {
	n.t.Helper()
	c := exec.Command(n.binary, append(args, n.args...)...)
	c.Stdin = strings.NewReader(input)
	var problems bytes.Buffer
	c.Stderr = &problems
	out, err := c.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		n.t.Fatal(err)
	}
	said = bufio.NewReader(out)
	return said, func() {
		n.t.Helper()
		_, _ = io.Copy(io.Discard, said)
		if err := c.Wait(); err != nil {
			n.t.Errorf("%v: %v: %s", args, err, problems.String())
		}
	}
}

// KY-03: a master key that a transaction has sealed with stays in the key file until that
// transaction has ended, also that of a command.
func TestAKeyStaysUntilOlderWorkHasEnded(t *testing.T) {
	n := &node{t: t, binary: build(t), args: []string{"--public-url", "http://localhost:8080", "--data", t.TempDir(), "--database", pgtest.DSN(t), "--log-level", "error"}}
	database := n.args[5]
	n.run(secretWords, "user", "add", "--id", "BSMITH", "--name", "Bob Smith", "--email", "bsmith@acme.example", "--password-file", "-")
	raw, err := sql.Open("pgx", pgtest.Superuser(t, database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	hold, err := raw.Begin()
	if err != nil {
		t.Fatal(err)
	}
	// Until this transaction ends it is open whether U40 is taken, so the import waits.
	if _, err := hold.Exec(`UPDATE users SET folded = $1 WHERE login = 'BSMITH'`, "u40"); err != nil {
		t.Fatal(err)
	}
	_, imported := n.begin(hashedUsers(50), "user", "import", "-")
	for waiting := 0; waiting == 0; {
		err := raw.QueryRow(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
	}
	said, rotated := n.begin("", "key", "rotate")
	for line := ""; err == nil && !strings.HasPrefix(line, "Waiting"); {
		line, err = said.ReadString('\n') // until it waits, or has ended
	}
	if err := hold.Rollback(); err != nil {
		t.Fatal(err)
	}
	imported()
	rotated()
	if s := keyStatus(t, n); len(s.Keys) != 1 {
		t.Errorf("the keys are %+v", s.Keys)
	}
}

// KY-03: a file of users is imported while the key is rotated, in either order.
func TestImportAndRotationAtOnce(t *testing.T) {
	n := &node{t: t, binary: build(t), args: []string{"--public-url", "http://localhost:8080", "--data", t.TempDir(), "--log-level", "error"}}
	n.args = append(n.args, "--database", "sqlite:"+filepath.Join(n.args[3], "countersign.db"))
	n.run("", "preference", "set", "TOKENMINUTES", "10")
	_, imported := n.begin(hashedUsers(1000), "user", "import", "-")
	_, rotated := n.begin("", "key", "rotate")
	imported()
	rotated()
	if s := keyStatus(t, n); len(s.Keys) != 1 {
		t.Errorf("the keys are %+v", s.Keys)
	}
}

// KY-02: a PostgreSQL database that was sealed with a key gets no other one: the program refuses
// before it writes a key file.
func TestAMissingKeyIsNotReplaced(t *testing.T) {
	n := &node{t: t, binary: build(t), args: []string{"--data", t.TempDir(), "--database", pgtest.DSN(t)}}
	n.run("", "preference", "set", "TOKENMINUTES", "10")
	empty := t.TempDir()
	out, err := exec.Command(n.binary, "agency", "list", "--data", empty, "--database", n.args[3]).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "there is no such file; put the key back") {
		t.Errorf("%v: %s", err, out)
	}
	if files, err := filepath.Glob(filepath.Join(empty, "*")); err != nil || len(files) > 0 {
		t.Errorf("it wrote %v, %v", files, err)
	}
}
