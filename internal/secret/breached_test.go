package secret

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign"
)

func breachedLines(passwords ...string) string {
	var b strings.Builder
	for i, p := range passwords {
		fmt.Fprintf(&b, "%X:%d\n", sha1.Sum([]byte(p)), i+1)
	}
	return b.String()
}

func built(t *testing.T, lines string, atLeast int) *Breached {
	t.Helper()
	b, err := BuildBreached(strings.NewReader(lines), atLeast)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func written(t *testing.T, b *Breached) (path string, data []byte) {
	t.Helper()
	var file bytes.Buffer
	if err := b.Write(&file); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "breached")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, file.Bytes()
}

// PW-04: a password in the operator's list is refused, without any network. A written file
// reads back the same.
func TestBreached(t *testing.T) {
	t.Parallel()
	var all []string
	for i := range 5000 {
		all = append(all, fmt.Sprint("a stolen password, number ", i))
	}
	path, _ := written(t, built(t, breachedLines(all...)+"\n\n"+breachedLines(all[:10]...), 1))
	b, err := LoadBreached(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.Count() != 5000 {
		t.Errorf("%d passwords", b.Count())
	}
	p := NewPasswordsAt(Cost{Memory: 64, Iterations: 1})
	p.Breached = b
	for _, password := range all {
		if err := p.CheckNew(password, 15, "", "", "", ""); countersign.CodeOf(err) != "password.breached" {
			t.Fatalf("%q: %v", password, err)
		}
	}
	wrong := 0
	for i := range 5000 {
		if b.Has(fmt.Sprint("nobody's password, number ", i)) {
			wrong++
		}
	}
	if wrong > 5 { // one in 65,536 is expected
		t.Errorf("%d of 5000 are held for stolen", wrong)
	}
	if err := p.Weak(all[7]); countersign.CodeOf(err) != "password.breached" {
		t.Errorf("at the sign-in: %v", err)
	}
	if err := p.Weak("passwordpassword"); countersign.CodeOf(err) != "password.common" {
		t.Errorf("at the sign-in: %v", err)
	}
	if err := p.Weak("correct horse battery staple"); err != nil {
		t.Errorf("at the sign-in: %v", err)
	}
	var none *Breached
	if none.Has(all[0]) {
		t.Error("no list holds something")
	}
}

// Lines in either case, with and without a count, and a limit for the count.
func TestBreachedLines(t *testing.T) {
	t.Parallel()
	lower := strings.ToLower(breachedLines("one"))
	b := built(t, lower+fmt.Sprintf("%X\r\n", sha1.Sum([]byte("two"))), 1)
	if !b.Has("one") || !b.Has("two") || b.Count() != 2 {
		t.Error("a line is lost")
	}
	b = built(t, breachedLines("one", "two", "three"), 3)
	if b.Has("one") || !b.Has("three") || b.Count() != 1 {
		t.Error("the count is not looked at")
	}
	for lines, says := range map[string]string{
		"":                                "nothing to make a filter of",
		breachedLines("one") + "password": "line 2: it does not begin with the 40 hexadecimal digits",
		strings.Repeat("A", 39) + ":1":    "line 1: it does not begin",
		strings.Repeat("A", 40) + ":x":    "line 1: after the colon there is no whole number",
		strings.Repeat("A", 1<<20):        "token too long",
	} {
		if _, err := BuildBreached(strings.NewReader(lines), 1); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.30q: %v, want %q", lines, err, says)
		}
	}
}

// A file that is damaged, cut short, of another kind or inconsistent is refused, and never
// read beyond its end.
func TestBreachedFileIsDamaged(t *testing.T) {
	t.Parallel()
	path, data := written(t, built(t, breachedLines("one", "two", "three"), 1))
	put := func(changed []byte) error {
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LoadBreached(path)
		return err
	}
	for i := range data {
		changed := bytes.Clone(data)
		changed[i] ^= 1
		if put(changed) == nil {
			t.Fatalf("byte %d was changed, and nobody saw it", i)
		}
	}
	for _, n := range []int{0, 1, len(breachedMagic), len(data) - 1} {
		if put(data[:n]) == nil {
			t.Errorf("cut after %d bytes, and nobody saw it", n)
		}
	}
	if _, err := LoadBreached(path + ".none"); err == nil {
		t.Error("a file that is not there was read")
	}
	head := data[len(breachedMagic) : len(data)-32]
	for i := 16; i < binary.Size(breachedHead{}); i++ {
		changed := bytes.Clone(head)
		changed[i]++
		if b, err := readBreached(changed); err == nil {
			for n := range 1000 {
				b.Has(fmt.Sprint(n)) // must not panic
			}
		}
	}
}
