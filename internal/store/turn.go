package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"countersign"
)

// turns lets one transaction of this node at a time lock a user. The others wait without a
// connection: on PostgreSQL each would hold one while it waits for the user's row, and many
// requests for one user would hold all of them (TN-03). Between nodes the row lock decides.
// The zero value is ready to use.
type turns struct {
	mu   sync.Mutex
	rows map[row]*turn
}

// A row is a user of an agency.
type row struct {
	agency countersign.AgencyID
	user   countersign.UserID
}

type turn struct {
	taken  chan struct{} // holds one element while the turn is taken
	wanted int           // how many hold it or wait for it
}

// want returns the turn of a row; give removes it when no one wants it any more.
func (t *turns) want(r row) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rows == nil {
		t.rows = map[row]*turn{}
	}
	if t.rows[r] == nil {
		t.rows[r] = &turn{taken: make(chan struct{}, 1)}
	}
	t.rows[r].wanted++
	return t.rows[r]
}

func (t *turns) give(r row, taken bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if taken {
		<-t.rows[r].taken
	}
	if t.rows[r].wanted--; t.rows[r].wanted == 0 {
		delete(t.rows, r)
	}
}

// A waitingLine is the turns that one transaction holds, over all its tries.
type waitingLine struct {
	turns *turns
	has   []row
	wants []row // another transaction holds them; run again when they are free
}

// errTurn ends a transaction that runs again when it has its turn.
var errTurn = errors.New("another transaction decides about this user")

// enter takes the turn of a row if it is free.
func (l *waitingLine) enter(r row) error {
	if l == nil || slices.Contains(l.has, r) {
		return nil
	}
	select {
	case l.turns.want(r).taken <- struct{}{}:
		l.has = append(l.has, r)
		return nil
	default:
		l.turns.give(r, false)
		l.wants = append(l.wants, r)
		return errTurn
	}
}

// waits reports whether the transaction must run again when it has its turn.
func (l *waitingLine) waits() bool { return l != nil && len(l.wants) > 0 }

// wait waits for all turns that the transaction has wanted so far. It first releases what it
// holds and then takes the turns in a fixed order, so that two transactions can't deadlock.
func (l *waitingLine) wait(ctx context.Context) error {
	all := append(slices.Clone(l.has), l.wants...)
	l.leave()
	l.wants = nil
	slices.SortFunc(all, func(a, b row) int { return cmp.Compare(a.user, b.user) })
	for _, r := range slices.Compact(all) {
		select {
		case l.turns.want(r).taken <- struct{}{}:
			l.has = append(l.has, r)
		case <-ctx.Done():
			l.turns.give(r, false)
			return ctx.Err()
		}
	}
	return nil
}

// leave releases all turns.
func (l *waitingLine) leave() {
	for _, r := range l.has {
		l.turns.give(r, true)
	}
	l.has = nil
}
