package secret

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-crypt/crypt"
	"github.com/go-crypt/crypt/algorithm/argon2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/text/unicode/norm"

	"countersign"
)

// The cost of a password hash, and how much of it at once (0.3, PW-01, TH-06).
const (
	memory     = 19456 // KiB
	iterations = 2
	lanes      = 1
	maxMemory  = 128 << 10 // KiB that a stored hash may ask for
	queue      = 64        // waiting hashes for each core
	patience   = 10 * time.Second
	longest    = 256  // code points
	widest     = 1024 // bytes
)

// Passwords hashes and checks passwords with Argon2id, as many at once as there
// are cores, first come first served. Beyond a queue it answers Busy: more at
// once would make all of them slower.
type Passwords struct {
	work  *semaphore.Weighted
	line  *semaphore.Weighted
	wait  time.Duration
	dummy string // a hash that no password opens, for users that do not exist
}

// NewPasswords is for one node.
func NewPasswords() *Passwords {
	cores := int64(runtime.GOMAXPROCS(0))
	p := &Passwords{work: semaphore.NewWeighted(cores), line: semaphore.NewWeighted(cores * (queue + 1)), wait: patience}
	dummy, err := hash(string(NewHandle()))
	if err != nil {
		panic(err) // the parameters above are valid
	}
	p.dummy = dummy
	return p
}

// busy is the answer beyond the queue.
func busy() error { return &countersign.Error{Kind: countersign.Busy, Code: "busy"} }

// do runs f when its turn has come. f goes on to its end even if the caller
// hangs up, and holds its place until then.
func (p *Passwords) do(ctx context.Context, f func()) error {
	if !p.line.TryAcquire(1) {
		return busy()
	}
	waiting, cancel := context.WithTimeout(ctx, p.wait)
	defer cancel()
	if err := p.work.Acquire(waiting, 1); err != nil {
		p.line.Release(1)
		return busy()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer p.line.Release(1)
		defer p.work.Release(1)
		f()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Hash is the encoded hash of a new password, with a fresh salt.
func (p *Passwords) Hash(ctx context.Context, password string) (encoded string, err error) {
	type result struct {
		encoded string
		err     error
	}
	results := make(chan result, 1)
	if err := p.do(ctx, func() {
		encoded, err := hash(norm.NFC.String(password))
		results <- result{encoded, err}
	}); err != nil {
		return "", err
	}
	r := <-results
	return r.encoded, r.err
}

func hash(password string) (string, error) {
	hasher, err := argon2.New(argon2.WithVariantID(), argon2.WithMemoryInKiB(memory), argon2.WithIterations(iterations),
		argon2.WithParallelism(lanes), argon2.WithSaltLength(16), argon2.WithKeyLength(32))
	if err != nil {
		return "", err
	}
	digest, err := hasher.Hash(password)
	if err != nil {
		return "", err
	}
	return digest.Encode(), nil
}

// Check tells whether password is the one of the encoded hash, and whether it
// should be hashed anew because the cost has risen. An empty hash, a password
// that is too long and a hash that asks for too much are never right, but cost
// the same (EN-02).
func (p *Passwords) Check(ctx context.Context, encoded, password string) (ok, rehash bool, err error) {
	possible := encoded != "" && len(password) <= widest && utf8.RuneCountInString(password) <= longest && affordable(encoded)
	if !possible {
		encoded, password = p.dummy, "not this one"
	}
	right := make(chan bool, 1)
	err = p.do(ctx, func() {
		match, err := crypt.CheckPassword(norm.NFC.String(password), encoded)
		right <- err == nil && match
	})
	if err != nil {
		return false, false, err
	}
	ok = <-right && possible
	return ok, ok && !strings.HasPrefix(encoded, "$argon2id$v=19$m=19456,t=2,p=1$"), nil
}

// affordable tells whether a stored Argon2 hash asks for no more memory than
// this program is ready to give.
func affordable(encoded string) bool {
	if !strings.HasPrefix(encoded, "$argon2") {
		return true
	}
	_, rest, ok := strings.Cut(encoded, "$m=")
	if !ok {
		return false
	}
	size, _, _ := strings.Cut(rest, ",")
	kib, err := strconv.Atoi(size)
	return err == nil && kib <= maxMemory
}
