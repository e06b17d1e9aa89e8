package secret

import (
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-crypt/crypt/algorithm/scrypt"
	"golang.org/x/sync/semaphore"
)

// dearHashes returns hashes of other programs that take 128 MiB each.
func dearHashes(t *testing.T) map[string]string {
	t.Helper()
	own, err := Cost{Memory: maxMemory, Iterations: 1}.hash("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := ImportHash(own)
	if err != nil {
		t.Fatal(err)
	}
	hasher, err := scrypt.New(scrypt.WithLN(maxLn), scrypt.WithR(maxR), scrypt.WithP(1))
	if err != nil {
		t.Fatal(err)
	}
	digest, err := hasher.Hash("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"Argon2id of ours": own, "Argon2id": kept, "scrypt": digest.Encode()}
}

// peak returns the most memory, in MiB, that objects of the program use while f runs.
func peak(f func()) uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	var most uint64
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64())
			select {
			case <-end:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	f()
	close(end)
	<-ended
	return most >> 20
}

// TH-06, TH-07: sixteen hashes of 128 MiB at once stay within the budget of 256 MiB, on a
// machine with sixteen cores as well.
func TestDearHashesStayInTheBudget(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(16))
	for name, encoded := range dearHashes(t) {
		if name == "Argon2id of ours" {
			continue // counted as the other one
		}
		t.Run(name, func(t *testing.T) {
			p := NewPasswords()
			p.wait = time.Hour
			runtime.GC()
			got := peak(func() {
				var all sync.WaitGroup
				for range 16 {
					all.Go(func() {
						if ok, _, err := p.Check(t.Context(), encoded, "correct horse battery"); err != nil || !ok {
							t.Errorf("%v, %v", ok, err)
						}
					})
				}
				all.Wait()
			})
			t.Logf("%d MiB at most", got)
			if most := uint64(budget>>10) + 32; got > most {
				t.Errorf("%d MiB at most, want %d", got, most)
			}
		})
	}
}

// TH-06: each hash in progress counts with its own memory, and a stream of cheap ones can't
// delay an expensive one.
func TestHashesAreWeighed(t *testing.T) {
	t.Parallel()
	p := NewPasswordsAt(Cost{Memory: 8, Iterations: 1})
	p.wait = time.Hour
	p.work, p.waiting = semaphore.NewWeighted(100), semaphore.NewWeighted(200) // a hundred cores
	var now, most atomic.Int64
	hash := func(memory int64) {
		if err := p.do(t.Context(), memory, func() {
			for n := now.Add(memory); ; {
				seen := most.Load()
				if n <= seen || most.CompareAndSwap(seen, n) {
					break
				}
			}
			runtime.Gosched()
			now.Add(-memory)
		}); err != nil {
			t.Error(err)
		}
	}
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() { hash([]int64{8, 16 << 10, 128 << 10, 200 << 10, 256 << 10}[i%5]) })
	}
	all.Wait()
	if most.Load() > budget {
		t.Errorf("%d KiB at once", most.Load())
	}
}

// TH-06: a hash that exceeds the budget is never computed and never matches.
func TestAHashBeyondTheBudget(t *testing.T) {
	t.Parallel()
	for name, encoded := range dearHashes(t) {
		p := NewPasswordsAt(Cost{Memory: 64, Iterations: 1})
		p.budget = 64 << 10
		var ok bool
		if got := peak(func() { ok, _ = check(t, p, encoded, "correct horse battery") }); ok {
			t.Errorf("%s: right, with %d MiB", name, got)
		}
	}
}

// Memory reports what the semaphore counts: an expensive hash of another program counts
// while it is checked, and until the next call.
func TestMemoryFollowsDearHashes(t *testing.T) {
	t.Parallel()
	p := NewPasswordsAt(Cost{Memory: 64, Iterations: 1})
	usual := p.Memory()
	var during int64
	if err := p.do(t.Context(), 128<<10, func() { during = p.Memory() }); err != nil {
		t.Fatal(err)
	}
	after, later := p.Memory(), p.Memory()
	if during != 128<<20 || after != 128<<20 || later != usual {
		t.Errorf("%d bytes while it is checked, %d after, %d later; usually %d", during, after, later, usual)
	}
}

// Between the forms of a password, a waiting hash is computed.
func TestAPasswordInManyFormsGivesWay(t *testing.T) {
	p := NewPasswordsAt(Cost{Memory: 8, Iterations: 1})
	p.work = semaphore.NewWeighted(1)
	begun, other := make(chan struct{}), make(chan struct{})
	var first error
	turns := 0
	go func() {
		<-begun
		first = p.do(t.Context(), 8, func() {})
		close(other)
	}()
	err := p.do(t.Context(), 8, func() {
		close(begun)
		for ; turns < 100_000; turns++ {
			select {
			case <-other:
				return
			default:
				p.yield(8)
			}
		}
	})
	if err != nil || first != nil {
		t.Fatal(err, first)
	}
	if turns == 100_000 {
		t.Error("the other hash was not computed")
	}
}

// An Argon2id hash of another program may take much memory or many rounds, not both.
func TestWorkOfAnImportedHashIsBounded(t *testing.T) {
	const rest = ",p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for cost, want := range map[string]bool{"m=131072,t=4": true, "m=32768,t=16": true, "m=131072,t=5": false, "m=131072,t=16": false, "m=65536,t=16": false} {
		if _, err := ImportHash("$argon2id$v=19$" + cost + rest); (err == nil) != want {
			t.Errorf("%s: %v, want accepted: %v", cost, err, want)
		}
	}
}
