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

// The cost of a password hash, and how much of it at once (PW-01, TH-06).
const (
	threads  = 1
	saltSize = 16 // bytes
	hashSize = 32 // bytes

	queue        = 64               // waiting hashes for each core
	queueTimeout = 10 * time.Second // in the queue
	budget       = 256 << 10        // KiB that all hashes at once may take, however many cores there are
	longest      = 256              // code points of a password
	maxHashSize  = 1024             // bytes of a password
)

// What a stored hash may ask for at the most. One that asks for more was not
// made here, and is refused without computing it.
const (
	maxMemory     = 128 << 10 // KiB
	maxIterations = 16
	maxLanes      = 16
)

// Passwords hashes and checks passwords with Argon2id, as many at once as there
// are cores and as the memory budget holds: each hash counts with what it asks for
// itself, since other programs have made dearer ones. First come first served, so
// that no dear hash waits behind an endless row of cheap ones. Beyond a queue it
// answers Busy: more at once would make all of them slower. It is safe for
// concurrent use.
type Passwords struct {
	Breached *Breached // the operator's list of stolen passwords; nil: there is none

	cost    Cost
	atOnce  int64
	budget  int64               // KiB that all hashes at once may take
	work    *semaphore.Weighted // being hashed
	memory  *semaphore.Weighted // KiB that are being hashed in
	waiting *semaphore.Weighted // being hashed or waiting
	wait    time.Duration       // longest time in the queue
	lined   atomic.Int64        // being hashed or waiting
	busy    atomic.Int64        // of these, being hashed
	taken   atomic.Int64        // KiB that are being hashed in
	peak    atomic.Int64        // the most of them since Memory was asked last
	dummy   string              // a hash that no password opens, for users that do not exist
	count   atomic.Int64        // Argon2id hashes computed to check a password
}

// A Cost is what one hash asks for.
type Cost struct {
	Memory     int // KiB
	Iterations int
}

// Standard is the cost of every password that is kept (PW-01).
var Standard = Cost{Memory: 19456, Iterations: 2}

// NewPasswords is for one node.
func NewPasswords() *Passwords { return NewPasswordsAt(Standard) }

// NewPasswordsAt is NewPasswords at another cost: tests that sign in thousands
// of times take a low one.
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

// busy is the answer beyond the queue.
func busy() error { return &countersign.Error{Kind: countersign.KindUnavailable, Code: "busy"} }

// do runs f, which takes so many KiB, when its turn has come. A hash can't be stopped: f goes on to its
// end even if the caller hangs up, and holds its place until then. Otherwise
// clients that hang up could fill the memory.
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

// enter waits for a core, and then for the memory.
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

// yield lets hashes that wait have their turn before the next form of a password is
// compared, so that a password in many forms delays others no longer than one form does.
func (p *Passwords) yield(memory int64) {
	p.taken.Add(-memory)
	p.memory.Release(memory)
	p.work.Release(1)
	_ = p.enter(context.Background(), memory) // fails only when its context ends
	p.take(memory)
}

// collect gives back what a hash has left behind that took more than those made
// here: the collector of garbage would let several of them lie, beyond the budget.
func (p *Passwords) collect(memory int64) {
	if memory > max(int64(p.cost.Memory), expensive) {
		runtime.GC()
	}
}

// expensive is the memory of a hash, in KiB, that is worth a collection of its own.
const expensive = 24 << 10

func (p *Passwords) leave() {
	p.lined.Add(-1)
	p.waiting.Release(1)
}

// Memory is how many bytes hashes take: as many at once as there may be of those
// made here, or what dearer ones of other programs have taken since it was asked last.
func (p *Passwords) Memory() int64 {
	return max(p.atOnce*int64(p.cost.Memory), p.peak.Swap(p.taken.Load())) << 10
}

// take notes the memory of a hash that begins.
func (p *Passwords) take(memory int64) {
	now := p.taken.Add(memory)
	for peak := p.peak.Load(); now > peak && !p.peak.CompareAndSwap(peak, now); peak = p.peak.Load() {
	}
}

// Load is how many passwords are being hashed now, and how many wait for their turn.
func (p *Passwords) Load() (hashing, waiting int) {
	busy, lined := p.busy.Load(), p.lined.Load()
	return int(busy), int(max(lined-busy, 0))
}

// Hash is the encoded hash of a new password, with a fresh salt. One that is
// too long for Check is refused (password.long).
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	text, fits := normal(password)
	if !fits {
		return "", tooLong(text)
	}
	type result struct {
		encoded string
		err     error
	}
	results := make(chan result, 1) // read only where f has ended
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

// Check tells whether password is the one of the encoded hash, and whether it
// should be hashed anew because the cost has risen or another program has made
// the hash. An empty hash, a password that is too long and a hash that asks for
// too much are never right, but cost the same as a wrong password; a foreign
// hash costs at least that (EN-02). One that covers only the beginning of a
// password (bcrypt) is not replaced by a right password that is longer.
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

// Computed is how many Argon2id hashes were computed to check passwords: what a
// check costs, counted instead of timed (EN-02).
func (p *Passwords) Computed() int64 { return p.count.Load() }

// matches computes the hash. The library's CheckPassword is not for this: it
// makes its decoders at the first call, unguarded, and takes weaker hashes.
func (p *Passwords) matches(encoded, text string) bool {
	p.count.Add(1)
	digest, err := argon2.DecodeVariant(argon2.VariantID)(encoded)
	if err != nil {
		return false
	}
	ok, err := digest.MatchAdvanced(text)
	return err == nil && ok
}

// below tells whether a hash asks for less than another cost.
func (c Cost) below(other Cost) bool {
	return c.Memory < other.Memory || c.Iterations < other.Iterations
}

// phc is the one way in which an Argon2id hash is written. The library is more
// tolerant, for example of "m=8,m=9999999": what is judged here must be what is
// computed there. Salt and hash have from 8 and 16 to 64 bytes.
var phc = regexp.MustCompile(`^\$argon2id\$v=19\$m=([1-9]\d{0,6}),t=([1-9]\d{0,3}),p=([1-9]\d{0,3})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}$`)

// costOf reads what a stored hash asks for; false if it can't be read or asks
// for more than this program is ready to give.
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
