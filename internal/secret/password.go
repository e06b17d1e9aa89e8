package secret

import (
	"context"
	"regexp"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-crypt/crypt/algorithm/argon2"
	"golang.org/x/sync/semaphore"

	"countersign"
)

// The cost of a password hash, and the limits on concurrent hashes (PW-01, TH-06).
const (
	threads  = 1
	saltSize = 16 // bytes
	hashSize = 32 // bytes

	queue        = 64               // hashes waiting for each core
	queueTimeout = 10 * time.Second // longest wait in the queue
	budget       = 256 << 10        // KiB for all hashes in progress, however many cores there are
	longest      = 256              // code points of a password
	maxHashSize  = 1024             // bytes of a password
)

// The highest cost of a stored hash. One that asks for more was not made here, and is
// rejected without computing it.
const (
	maxMemory     = 128 << 10 // KiB
	maxIterations = 16
	maxLanes      = 16
)

// Passwords hashes and checks passwords with Argon2id. It runs as many hashes at once as
// there are cores and as fit into the memory budget. Each hash counts with its own
// memory, since other programs make more expensive ones. The order is first come, first
// served, so that a stream of cheap hashes can't delay an expensive one. When the queue is
// full it returns KindUnavailable: more at once would slow down all of them. It is safe
// for concurrent use.
type Passwords struct {
	Breached *Breached // the operator's list of stolen passwords; nil: none

	cost    Cost
	atOnce  int64
	budget  int64               // KiB for all hashes in progress
	work    *semaphore.Weighted // hashes in progress
	memory  *semaphore.Weighted // KiB of hashes in progress
	waiting *semaphore.Weighted // hashes in progress or waiting
	wait    time.Duration       // longest time in the queue
	lined   atomic.Int64        // hashes in progress or waiting
	busy    atomic.Int64        // of these, in progress
	taken   atomic.Int64        // KiB of hashes in progress
	peak    atomic.Int64        // the highest value of taken since the last call of Memory
	dummy   string              // a hash that no password matches, for users that do not exist
	count   atomic.Int64        // Argon2id hashes computed to check a password
}

// A Cost is the cost of one hash.
type Cost struct {
	Memory     int // KiB
	Iterations int
}

// Standard is the cost of every stored password (PW-01).
var Standard = Cost{Memory: 19456, Iterations: 2}

// NewPasswords returns the Passwords of a node.
func NewPasswords() *Passwords { return NewPasswordsAt(Standard) }

// NewPasswordsAt is NewPasswords at another cost: tests that sign in thousands of times
// use a low one.
func NewPasswordsAt(cost Cost) *Passwords {
	atOnce := int64(max(1, min(runtime.GOMAXPROCS(0), budget/max(1, cost.Memory))))
	p := &Passwords{cost: cost, atOnce: atOnce, budget: max(budget, int64(cost.Memory)), work: semaphore.NewWeighted(atOnce),
		waiting: semaphore.NewWeighted(atOnce * (queue + 1)), wait: queueTimeout}
	p.memory = semaphore.NewWeighted(p.budget)
	dummy, err := cost.hash(string(NewHandle()))
	if err != nil {
		panic(err) // the parameters above are valid
	}
	p.dummy = dummy
	return p
}

// busy returns the error for a full queue.
func busy() error { return &countersign.Error{Kind: countersign.KindUnavailable, Code: "busy"} }

// do runs f, which uses memory KiB, when its turn has come. A hash can't be stopped: f runs
// to its end even if the client disconnects, and counts against the limits until then.
// Otherwise clients that disconnect could use up the memory.
func (p *Passwords) do(ctx context.Context, memory int64, f func()) error {
	if !p.waiting.TryAcquire(1) {
		return busy()
	}
	p.lined.Add(1)
	waiting, cancel := context.WithTimeout(ctx, p.wait)
	defer cancel()
	if err := p.enter(waiting, memory); err != nil {
		p.leave()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return busy()
	}
	p.busy.Add(1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer p.leave()
		defer p.work.Release(1)
		defer p.memory.Release(memory)
		defer p.busy.Add(-1)
		defer p.taken.Add(-memory)
		p.take(memory)
		f()
		p.collect(memory)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enter waits for a core, and then for memory.
func (p *Passwords) enter(ctx context.Context, memory int64) error {
	if err := p.work.Acquire(ctx, 1); err != nil {
		return err
	}
	err := p.memory.Acquire(ctx, memory)
	if err != nil {
		p.work.Release(1)
	}
	return err
}

// yield lets waiting hashes go first before the next form of a password is compared, so
// that a password in many forms delays others no longer than one form does.
func (p *Passwords) yield(memory int64) {
	p.taken.Add(-memory)
	p.memory.Release(memory)
	p.work.Release(1)
	_ = p.enter(context.Background(), memory) // fails only when its context ends
	p.take(memory)
}

// collect frees the memory of a hash that used more than this program's own: without it,
// the garbage of several such hashes could exceed the budget.
func (p *Passwords) collect(memory int64) {
	if memory > max(int64(p.cost.Memory), expensive) {
		runtime.GC()
	}
}

// expensive is the memory of a hash, in KiB, above which collect runs the garbage collector.
const expensive = 24 << 10

func (p *Passwords) leave() {
	p.lined.Add(-1)
	p.waiting.Release(1)
}

// Memory returns how many bytes hashes use: as many of this program's own as can run at
// once, or the peak since the last call if expensive ones of other programs used more.
func (p *Passwords) Memory() int64 {
	return max(p.atOnce*int64(p.cost.Memory), p.peak.Swap(p.taken.Load())) << 10
}

// take records the memory of a hash that begins.
func (p *Passwords) take(memory int64) {
	now := p.taken.Add(memory)
	for peak := p.peak.Load(); now > peak && !p.peak.CompareAndSwap(peak, now); peak = p.peak.Load() {
	}
}

// Load returns how many passwords are being hashed now, and how many are waiting.
func (p *Passwords) Load() (hashing, waiting int) {
	busy, lined := p.busy.Load(), p.lined.Load()
	return int(busy), int(max(lined-busy, 0))
}

// Hash returns the encoded hash of a new password, with a fresh salt. Its error for one
// that is too long for Check is password.long.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	text, fits := normal(password)
	if !fits {
		return "", tooLong(text)
	}
	type result struct {
		encoded string
		err     error
	}
	results := make(chan result, 1) // read only after f has ended
	if err := p.do(ctx, int64(p.cost.Memory), func() {
		encoded, err := p.cost.hash(text)
		results <- result{encoded, err}
	}); err != nil {
		return "", err
	}
	r := <-results
	return r.encoded, r.err
}

func (c Cost) hash(text string) (string, error) {
	hasher, err := argon2.New(argon2.WithVariantID(), argon2.WithMemoryInKiB(uint32(c.Memory)), argon2.WithIterations(c.Iterations),
		argon2.WithParallelism(threads), argon2.WithSaltLength(saltSize), argon2.WithKeyLength(hashSize))
	if err != nil {
		return "", err
	}
	digest, err := hasher.Hash(text)
	if err != nil {
		return "", err
	}
	return digest.Encode(), nil
}

// Check reports whether password matches the encoded hash, and whether to hash it again
// because the cost has risen or another program made the hash. An empty hash, a password
// that is too long and a hash that costs too much never match, but cost the same as a
// wrong password; another program's hash costs at least that (EN-02). If a hash covers
// only the beginning of a password (bcrypt), Check never asks to replace it by a hash of
// a longer one.
func (p *Passwords) Check(ctx context.Context, encoded, password string) (ok, rehash bool, err error) {
	text, fits := normal(password)
	asked, readable := costOf(encoded)
	foreign := legacyFormatOf(encoded)
	memory := int64(max(p.cost.Memory, asked.Memory))
	if foreign != nil {
		memory = max(memory, foreign.memory)
	}
	if memory > p.budget { // never computed
		readable, foreign, memory = false, nil, int64(p.cost.Memory)
	}
	type verdict struct{ right, whole bool }
	verdicts := make(chan verdict, 1)
	err = p.do(ctx, memory, func() {
		switch {
		case fits && readable:
			verdicts <- verdict{p.matches(encoded, text), true}
		case fits && foreign != nil:
			p.matches(p.dummy, "not this one")
			right, whole := foreign.check(password, func() { p.collect(memory); p.yield(memory) })
			verdicts <- verdict{right, whole}
		default:
			p.matches(p.dummy, "not this one")
			verdicts <- verdict{}
		}
	})
	if err != nil {
		return false, false, err
	}
	v := <-verdicts
	return v.right, v.right && v.whole && (foreign != nil || asked.below(p.cost)), nil
}

// Computed returns how many Argon2id hashes were computed to check passwords: tests count
// the cost of a check instead of timing it (EN-02).
func (p *Passwords) Computed() int64 { return p.count.Load() }

// matches computes the hash. It doesn't use the library's CheckPassword, which creates its
// decoders at the first call without a lock, and accepts weaker hashes.
func (p *Passwords) matches(encoded, text string) bool {
	p.count.Add(1)
	digest, err := argon2.DecodeVariant(argon2.VariantID)(encoded)
	if err != nil {
		return false
	}
	ok, err := digest.MatchAdvanced(text)
	return err == nil && ok
}

// below reports whether a hash costs less than another cost.
func (c Cost) below(other Cost) bool {
	return c.Memory < other.Memory || c.Iterations < other.Iterations
}

// phc matches the one accepted spelling of an Argon2id hash. The library is more tolerant,
// for example of "m=8,m=9999999": the cost that is checked must be the cost that is
// computed. Salt and hash have from 8 and 16 to 64 bytes.
var phc = regexp.MustCompile(`^\$argon2id\$v=19\$m=([1-9]\d{0,6}),t=([1-9]\d{0,3}),p=([1-9]\d{0,3})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}$`)

// costOf returns the cost of a stored hash; false if it can't be parsed or exceeds the
// limits.
func costOf(encoded string) (Cost, bool) {
	found := phc.FindStringSubmatch(encoded)
	if found == nil {
		return Cost{}, false
	}
	var n [3]int
	for i := range n {
		n[i], _ = strconv.Atoi(found[i+1]) // a few digits
	}
	c := Cost{Memory: n[0], Iterations: n[1]}
	return c, c.Memory <= maxMemory && c.Iterations <= maxIterations && n[2] <= maxLanes
}
