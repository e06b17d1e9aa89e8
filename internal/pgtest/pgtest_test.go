package pgtest

import (
	"bufio"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
)

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(t.Context()) })
	return c
}

func run(t *testing.T, c *pgx.Conn, statement string) {
	t.Helper()
	if _, err := c.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func TestEachDatabaseIsEmptyAndItsOwn(t *testing.T) {
	one, other := DSN(t), DSN(t)
	if one == other {
		t.Fatalf("the same database twice: %s", one)
	}
	run(t, connect(t, one), "CREATE TABLE users (id BIGINT)")
	run(t, connect(t, other), "CREATE TABLE users (id BIGINT)")
}

func TestADatabaseIsGoneAfterItsTestAlthoughSomebodyIsConnected(t *testing.T) {
	var dsn string
	t.Run("the test", func(t *testing.T) {
		dsn = DSN(t)
		c, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		run(t, c, "CREATE TABLE users (id BIGINT)")
	})
	c, err := pgx.Connect(t.Context(), dsn)
	if err == nil {
		c.Close(t.Context())
		t.Fatal("the database is still there")
	}
	if !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("got %v, want that the database does not exist", err)
	}
}

func TestATemplateIsPreparedOnceAndCopiedForEachTest(t *testing.T) {
	var prepared atomic.Int32
	migrate := func(dsn string) error {
		prepared.Add(1)
		c, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			return err
		}
		_, err = c.Exec(t.Context(), "CREATE TABLE users (id BIGINT); INSERT INTO users VALUES (1), (2), (3)")
		return errors.Join(err, c.Close(t.Context()))
	}
	for range 3 {
		c := connect(t, Template(t, "users", migrate))
		run(t, c, "INSERT INTO users VALUES (4)")
		var n int
		if err := c.QueryRow(t.Context(), "SELECT count(*) FROM users").Scan(&n); err != nil || n != 4 {
			t.Errorf("got %d users, %v, want 4: each copy begins anew", n, err)
		}
	}
	if n := prepared.Load(); n != 1 {
		t.Errorf("prepared %d times, want once", n)
	}
}

func TestDatabasesInFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c, err := pgx.Connect(t.Context(), DSN(t))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * 24 * time.Hour)
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if passed := time.Since(began); passed != 7*24*time.Hour {
			t.Errorf("%v passed, want seven days", passed)
		}
	})
}

// child, if set, makes the test process start a server, print its connection string, and wait
// to be killed.
const child = "COUNTERSIGN_PGTEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(child) == "" {
		os.Exit(m.Run())
	}
	s, err := server()
	if err != nil {
		s.dsn = err.Error()
	}
	os.Stdout.WriteString(s.dsn + "\n")
	select {}
}

// childProcess runs this test program as a separate process and returns the first line it
// prints.
func childProcess(t *testing.T, env ...string) (*exec.Cmd, string) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), append([]string{child + "=1", Variable + "="}, env...)...)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return c, strings.TrimSpace(line)
}

func TestTheServerLeavesNothingWhenItsTestsAreKilled(t *testing.T) {
	c, dsn := childProcess(t)
	u, err := url.Parse(dsn)
	if err != nil || u.Query().Get("host") == "" {
		t.Fatalf("got %q, want a connection string", dsn)
	}
	dir := u.Query().Get("host")
	connect(t, dsn)
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for range 600 { // ends as soon as the directory is gone; the limit is for a failing test
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("%s is still there", dir)
}

func TestAMachineWithoutPostgreSQLIsToldWhatToInstall(t *testing.T) {
	_, said := childProcess(t, "COUNTERSIGN_TEST_PGBIN="+t.TempDir())
	for _, want := range []string{"postgresql-15", "make test"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q does not name %q", said, want)
		}
	}
}
