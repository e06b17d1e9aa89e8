package secret

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"

	"countersign"
)

// small returns a Passwords that runs one hash at once, with a limited queue.
func small(waiting int64, wait time.Duration) *Passwords {
	p := NewPasswords()
	p.work, p.waiting, p.wait = semaphore.NewWeighted(1), semaphore.NewWeighted(1+waiting), wait
	return p
}

func hashOf(t *testing.T, p *Passwords, password string) string {
	t.Helper()
	encoded, err := p.Hash(t.Context(), password)
	if err != nil {
		t.Fatalf("hash: %v", err)
	}
	return encoded
}

func check(t *testing.T, p *Passwords, encoded, password string) (ok, rehash bool) {
	t.Helper()
	ok, rehash, err := p.Check(t.Context(), encoded, password)
	if err != nil {
		t.Fatalf("check: %v", err)
	}
	return ok, rehash
}

// PW-01: Argon2id at the standard cost, with a fresh salt for each hash.
func TestTwoHashesOfOnePasswordDiffer(t *testing.T) {
	t.Parallel()
	p := NewPasswords()
	a, b := hashOf(t, p, "correct horse battery"), hashOf(t, p, "correct horse battery")
	if a == b {
		t.Error("two users with one password have the same hash")
	}
	for _, encoded := range []string{a, b} {
		parts := strings.Split(encoded, "$")
		if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != "v=19" || parts[3] != "m=19456,t=2,p=1" {
			t.Fatalf("hash %q", encoded)
		}
		for i, size := range map[int]int{4: 16, 5: 32} {
			if raw, err := base64.RawStdEncoding.DecodeString(parts[i]); err != nil || len(raw) != size {
				t.Errorf("part %d of %q has %d bytes (%v), want %d", i, encoded, len(raw), err, size)
			}
		}
		if ok, rehash := check(t, p, encoded, "correct horse battery"); !ok || rehash {
			t.Errorf("right password: %v, hash anew: %v", ok, rehash)
		}
		for _, wrong := range []string{"", "Correct horse battery", "correct horse batter", "correct horse battery ", "not this one"} {
			if ok, rehash := check(t, p, encoded, wrong); ok || rehash {
				t.Errorf("%q: %v, hash anew: %v", wrong, ok, rehash)
			}
		}
	}
}

// PW-03: up to 256 code points, NFC, never truncated.
func TestPasswordsAreTakenWhole(t *testing.T) {
	t.Parallel()
	p := NewPasswords()
	long := strings.Repeat("x", 255)
	for _, test := range []struct {
		name, chosen, typed string
		want                bool
	}{
		{"decomposed é equals composed é", "caf\u00e9 au lait, bien chaud", "cafe\u0301 au lait, bien chaud", true},
		{"composed é equals decomposed é", "cafe\u0301 au lait, bien chaud", "caf\u00e9 au lait, bien chaud", true},
		{"é is not e", "caf\u00e9 au lait, bien chaud", "cafe au lait, bien chaud", false},
		{"256 characters", long + "a", long + "a", true},
		{"the last character of 256 matters", long + "a", long + "b", false},
		{"256 characters of four bytes", strings.Repeat("🦉", 256), strings.Repeat("🦉", 256), true},
		{"the last owl matters", strings.Repeat("🦉", 256), strings.Repeat("🦉", 255) + "🦊", false},
		{"256 decomposed characters", strings.Repeat("e\u0301", 256), strings.Repeat("\u00e9", 256), true},
		{"256 decomposed syllables", strings.Repeat("\u1112\u1161\u11ab", 256), strings.Repeat("\ud55c", 256), true},
		{"spaces around it count", " fifteen letters ", "fifteen letters", false},
		{"a null byte does not end it", "fifteen\x00letters", "fifteen\x00lettres", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if ok, _ := check(t, p, hashOf(t, p, test.chosen), test.typed); ok != test.want {
				t.Errorf("got %v, want %v", ok, test.want)
			}
		})
	}
}

// PW-03, TH-06: a password that is too long never matches, whatever the database holds.
func TestPasswordThatIsTooLong(t *testing.T) {
	t.Parallel()
	p := NewPasswords()
	for name, password := range map[string]string{
		"257 characters":         strings.Repeat("x", 257),
		"a megabyte":             strings.Repeat("x", 1<<20),
		"a heap of accents":      "e" + strings.Repeat("\u0301", 5000),
		"bytes that are no text": strings.Repeat("\xff", 300),
	} {
		encoded, err := Standard.hash(password)
		if err != nil {
			t.Fatal(err)
		}
		if ok, rehash := check(t, p, encoded, password); ok || rehash {
			t.Errorf("%s: %v, hash anew: %v", name, ok, rehash)
		}
		_, err = p.Hash(t.Context(), password)
		if got := countersign.CodeOf(err); got != "password.long" {
			t.Errorf("%s: hashed with %v, want password.long", name, err)
		}
	}
}

// EN-02: an unknown user is never let in, but costs a hash.
func TestUnknownUserCostsAHash(t *testing.T) {
	t.Parallel()
	p := NewPasswords()
	for _, password := range []string{"", "not this one", "correct horse battery", strings.Repeat("x", 1000)} {
		if ok, rehash := check(t, p, "", password); ok || rehash {
			t.Errorf("%q: %v, hash anew: %v", password, ok, rehash)
		}
	}
	encoded := hashOf(t, p, "correct horse battery")
	for name, test := range map[string]struct{ encoded, password string }{
		"known":             {encoded, "wrong"},
		"unknown":           {"", "wrong"},
		"too long":          {encoded, strings.Repeat("x", 300)},
		"asks for too much": {strings.Replace(encoded, "m=19456", "m=9999999", 1), "wrong"},
	} {
		before := p.Computed()
		if ok, _ := check(t, p, test.encoded, test.password); ok || p.Computed() != before+1 {
			t.Errorf("%s: %v, and %d hashes were computed, want 1", name, ok, p.Computed()-before)
		}
		// Where the one slot is taken, only a call that hashes has to wait.
		p := small(0, time.Hour)
		occupied := occupy(p)
		_, _, err := p.Check(t.Context(), test.encoded, test.password)
		occupied()
		if countersign.KindOf(err) != countersign.KindUnavailable {
			t.Errorf("%s: %v without waiting in line: no hash was computed", name, err)
		}
	}
}

// PW-01: a stored hash that asks for more than 128 MiB is refused, not computed.
func TestHashThatAsksForTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	p := NewPasswords()
	encoded := hashOf(t, p, "correct horse battery")
	with := func(old, changed string) string { return strings.Replace(encoded, old, changed, 1) }
	for name, stored := range map[string]string{
		"128 MiB and a bit":         with("m=19456", "m=131073"),
		"4 TiB":                     with("m=19456", "m=4294967295"),
		"beyond a number":           with("m=19456", "m=99999999999999999999"),
		"the memory twice":          with("m=19456", "m=19456,m=4294967295"),
		"the memory at the end":     with("m=19456,t=2,p=1", "t=2,p=1,m=4294967295"),
		"the memory in the version": with("v=19", "v=19,m=4294967295"),
		"no memory":                 with("m=19456", "m=0"),
		"endless rounds":            with("t=2", "t=4294967295"),
		"endless lanes":             with("p=1", "p=4294967295"),
		"no lanes":                  with("p=1", "p=0"),
		"another version":           with("v=19", "v=16"),
		"another Argon2":            with("argon2id", "argon2i"),
		"a hash of one byte":        encoded[:strings.LastIndex(encoded, "$")] + "$AA",
		"an endless hash":           encoded + strings.Repeat("A", 1000),
		"bcrypt":                    "$2a$31$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"scrypt":                    "$scrypt$ln=30,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
		"the plain password":        "correct horse battery",
		"a plain text scheme":       "$plaintext$correct horse battery",
	} {
		if _, ok := costOf(stored); ok {
			t.Errorf("%s: would be computed", name)
			continue
		}
		if ok, rehash := check(t, p, stored, "correct horse battery"); ok || rehash {
			t.Errorf("%s: %v, hash anew: %v", name, ok, rehash)
		}
	}
	if _, ok := costOf(with("m=19456", "m=131072")); !ok {
		t.Error("128 MiB are refused")
	}
}

// PW-01: a password is hashed again at the next sign-in if the cost has risen, not if its
// hash is more expensive.
func TestHashIsRenewedWhenTheCostHasRisen(t *testing.T) {
	t.Parallel()
	p := NewPasswords()
	for _, test := range []struct {
		memory, iterations uint32
		lanes              uint8
		want               bool
	}{
		{19456, 2, 1, false},
		{8192, 2, 1, true},
		{19456, 1, 1, true},
		{65536, 1, 4, true},
		{65536, 3, 4, false},
		{131072, 2, 1, false},
	} {
		// Another program made the hash: x/crypto.
		salt := []byte("somesaltsomesalt")
		key := argon2.IDKey([]byte("password"), salt, test.iterations, test.memory, test.lanes, 32)
		encoded := fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", test.memory, test.iterations, test.lanes,
			base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
		if ok, rehash := check(t, p, encoded, "password"); !ok || rehash != test.want {
			t.Errorf("%s: %v, hash anew: %v, want %v", encoded, ok, rehash, test.want)
		}
		if ok, rehash := check(t, p, encoded, "passwort"); ok || rehash {
			t.Errorf("%s with a wrong password: %v, hash anew: %v", encoded, ok, rehash)
		}
	}
}

// occupy takes the only slot until the returned function is called.
func occupy(p *Passwords) (free func()) {
	started, end, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		_ = p.do(context.Background(), 8, func() { close(started); <-end })
	}()
	<-started
	return func() { close(end); <-ended }
}

// TH-06: with a full queue, the answer is Busy at once.
func TestBusyBeyondTheQueue(t *testing.T) {
	t.Parallel()
	p := small(2, time.Hour)
	free := occupy(p)
	var waiting sync.WaitGroup
	for range 2 {
		waiting.Go(func() {
			if _, err := p.Hash(context.Background(), "correct horse battery"); err != nil {
				t.Errorf("in the queue: %v", err)
			}
		})
	}
	// The queue is full as soon as both have joined it.
	for p.waiting.TryAcquire(1) {
		p.waiting.Release(1)
		runtime.Gosched()
	}
	_, _, err := p.Check(t.Context(), "", "correct horse battery")
	if countersign.KindOf(err) != countersign.KindUnavailable || countersign.CodeOf(err) != "busy" {
		t.Errorf("check: %v, want busy", err)
	}
	if _, err := p.Hash(t.Context(), "correct horse battery"); countersign.KindOf(err) != countersign.KindUnavailable {
		t.Errorf("hash: %v, want busy", err)
	}
	free()
	waiting.Wait()
	if ok, _ := check(t, p, hashOf(t, p, "correct horse battery"), "correct horse battery"); !ok {
		t.Error("after the rush the right password is not right")
	}
}

// TH-06: no one waits longer than the timeout; those who gave up have left the queue.
func TestBusyAfterWaitingTooLong(t *testing.T) {
	t.Parallel()
	p := small(1, time.Millisecond)
	free := occupy(p)
	for range 5 {
		if _, err := p.Hash(t.Context(), "correct horse battery"); countersign.KindOf(err) != countersign.KindUnavailable {
			t.Errorf("got %v, want busy", err)
		}
	}
	free()
	p.wait = time.Hour
	hashOf(t, p, "correct horse battery")
}

// TH-06: the slot is taken until the hash ends, even if the client disconnects.
func TestPlaceIsHeldWhenTheClientHangsUp(t *testing.T) {
	t.Parallel()
	p := small(0, time.Hour)
	ctx, hangUp := context.WithCancel(t.Context())
	started, end, left := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() { left <- p.do(ctx, 8, func() { close(started); <-end }) }()
	<-started
	hangUp()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who hung up got %v", err)
	}
	if _, err := p.Hash(t.Context(), "correct horse battery"); countersign.KindOf(err) != countersign.KindUnavailable {
		t.Errorf("while the hash goes on: %v, want busy", err)
	}
	close(end)
	for !p.waiting.TryAcquire(1) { // it is free as soon as the hash has ended
		runtime.Gosched()
	}
	p.waiting.Release(1)
	hashOf(t, p, "correct horse battery")
}

// TH-06: a client that disconnects leaves the queue, and does not get the answer Busy.
func TestWhoHangsUpLeavesTheQueue(t *testing.T) {
	t.Parallel()
	p := small(1, time.Hour)
	free := occupy(p)
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	for range 5 {
		if _, err := p.Hash(ctx, "correct horse battery"); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want canceled", err)
		}
	}
	free()
	hashOf(t, p, "correct horse battery")
}

func TestPasswordsAreCheckedSideBySide(t *testing.T) {
	t.Parallel()
	p := NewPasswords()
	p.wait = time.Hour // however busy the machine is
	encoded := make([]string, 4)
	for i := range encoded {
		encoded[i] = hashOf(t, p, fmt.Sprint("password number ", i))
	}
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			ok, _, err := p.Check(context.Background(), encoded[i%4], fmt.Sprint("password number ", i%3))
			if want := i%4 == i%3; err != nil || ok != want {
				t.Errorf("hash %d, password %d: %v, %v, want %v", i%4, i%3, ok, err, want)
			}
		})
	}
	all.Wait()
}
