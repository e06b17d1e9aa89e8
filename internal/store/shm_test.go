package store_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"countersign"
	"countersign/internal/store"
)

// lockFile names the file that this process locks for another test.
const lockFile = "COUNTERSIGN_TEST_LOCK"

// TestHoldLock is the other program of TestALockedIndex, because file locks belong to a
// process. It locks the file until its input ends.
func TestHoldLock(t *testing.T) {
	path := os.Getenv(lockFile)
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	// SQLite locks bytes 120 to 128 of the index; 120 is the writer's.
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: 120, Len: 1}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &lock); err != nil {
		t.Fatal(err)
	}
	_, _ = os.Stdout.WriteString("locked\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// A program that locks the index of SQLite (the file ending in -shm) is reported as such by a
// running node, which continues when the lock is gone.
func TestALockedIndex(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "indexed.db")
	p := open(t, "sqlite:"+path)
	save := func() error {
		return p.db.In(t.Context(), p.ours, func(tx *store.Tx) error {
			return tx.SaveAgency(t.Context(), countersign.Agency{Code: "OURS", Name: "Ours"})
		})
	}
	other := exec.Command(os.Args[0], "-test.run=^TestHoldLock$")
	other.Env = append(os.Environ(), lockFile+"="+path+"-shm")
	hold, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil || line != "locked\n" {
		t.Fatalf("the other program says %q: %v", line, err)
	}
	if err := save(); countersign.KindOf(err) != countersign.KindUnavailable || !strings.Contains(err.Error(), "another program has locked the database file") {
		t.Errorf("got %v", err)
	}
	_ = hold.Close()
	_ = other.Wait()
	if err := save(); err != nil {
		t.Errorf("the lock is gone: %v", err)
	}
}
