package store

import (
	"context"
	"database/sql"
	"slices"
	"sync"

	"countersign"
)

// shares gives the connections of a pool to transactions, so that no agency and no principal
// holds all of them. An agency gets at most half of what the other agencies leave; a principal
// gets at most half of what the other principals leave to its agency (TN-03). Waiting
// transactions take turns in the same way. The zero value gives out nothing; use newShares.
type shares struct {
	db *sql.DB

	mu      sync.Mutex
	size    int
	total   int                         // connections in use
	agency  map[connectionHolder]int    // connections held by each agency
	holder  map[connectionHolder]int    // connections held by each principal
	served  map[connectionHolder]uint64 // turn in which each agency and each principal last got one
	turn    uint64
	waiting []*waiter
}

// A connectionHolder is a principal of an agency; without a principal, the agency as a whole.
type connectionHolder struct {
	agency    countersign.AgencyID
	principal string
}

func (h connectionHolder) ofAgency() connectionHolder { return connectionHolder{agency: h.agency} }

// A waiter waits until ready is closed.
type waiter struct {
	connectionHolder
	ready chan struct{}
}

func newShares(db *sql.DB, size int) *shares {
	return &shares{db: db, size: size, agency: map[connectionHolder]int{}, holder: map[connectionHolder]int{}, served: map[connectionHolder]uint64{}}
}

// take waits for a connection until ctx ends. Call giveBack to return the connection.
func (s *shares) take(ctx context.Context, agency countersign.AgencyID) (giveBack func(), err error) {
	w := &waiter{connectionHolder{agency, countersign.PrincipalOf(ctx)}, make(chan struct{})}
	s.mu.Lock()
	s.waiting = append(s.waiting, w)
	s.assign()
	s.mu.Unlock()
	select {
	case <-w.ready:
		return func() { s.release(w.connectionHolder) }, nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	i := slices.Index(s.waiting, w)
	if i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	}
	s.mu.Unlock()
	if i < 0 { // it got one at the last moment
		s.release(w.connectionHolder)
	}
	return nil, ctx.Err()
}

func (s *shares) release(h connectionHolder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(h, -1)
	s.assign()
}

// assign gives free connections to those who may have one: first to the agency that got one
// longest ago, within it to the principal that did, then by age.
func (s *shares) assign() {
	for {
		best := -1
		for i, w := range s.waiting {
			if s.mayHave(w.connectionHolder) && (best < 0 || s.before(w.connectionHolder, s.waiting[best].connectionHolder)) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		w := s.waiting[best]
		s.waiting = slices.Delete(s.waiting, best, best+1)
		s.count(w.connectionHolder, 1)
		s.turn++
		s.served[w.connectionHolder], s.served[w.ofAgency()] = s.turn, s.turn
		close(w.ready)
	}
	if len(s.waiting)+s.total == 0 {
		clear(s.served) // needed only while others wait
	}
}

func (s *shares) before(a, b connectionHolder) bool {
	if a.agency != b.agency {
		return s.served[a.ofAgency()] < s.served[b.ofAgency()]
	}
	return s.served[a] < s.served[b]
}

// mayHave reports whether a holder may have one more connection.
func (s *shares) mayHave(h connectionHolder) bool {
	held := s.agency[h.ofAgency()]
	allowed := max(1, (s.size-(s.total-held))/2)
	if s.total >= s.size || held >= allowed {
		return false
	}
	own := s.holder[h]
	return own < max(1, (allowed-(held-own)+1)/2)
}

func (s *shares) count(h connectionHolder, n int) {
	s.total += n
	s.agency[h.ofAgency()] += n
	if s.agency[h.ofAgency()] == 0 {
		delete(s.agency, h.ofAgency())
	}
	s.holder[h] += n
	if s.holder[h] == 0 {
		delete(s.holder, h)
	}
}
