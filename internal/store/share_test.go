package store

import (
	"context"
	"errors"
	"slices"
	"testing"

	"countersign"
)

// begin starts n calls of take for a holder, and returns when each waits or has a connection.
func (s *shares) begin(t *testing.T, h connectionHolder, n int, got chan<- connectionHolder) {
	t.Helper()
	for range n {
		s.mu.Lock()
		before := len(s.waiting) + s.total
		s.mu.Unlock()
		go func() {
			_, err := s.take(countersign.WithPrincipal(t.Context(), h.principal), h.agency)
			if err == nil {
				got <- h
			}
		}()
		for now := before; now == before; { // it waits, or has got one
			s.mu.Lock()
			now = len(s.waiting) + s.total
			s.mu.Unlock()
		}
	}
}

func (s *shares) held(h connectionHolder) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.principal == "" {
		return s.agency[h]
	}
	return s.holder[h]
}

// TN-03: whatever one principal and one agency request, connections are left for the others,
// and for others after them.
func TestNobodyHoldsMoreThanAShare(t *testing.T) {
	s, got := newShares(nil, 12), make(chan connectionHolder, 100)
	for _, c := range []struct {
		connectionHolder
		principal, agency int // held afterwards
	}{
		{connectionHolder{"A", "one"}, 3, 3},
		{connectionHolder{"A", "two"}, 2, 5},
		{connectionHolder{"A", "three"}, 1, 6},
		{connectionHolder{"A", "four"}, 0, 6},
		{connectionHolder{"B", "one"}, 2, 2},
		{connectionHolder{"B", "two"}, 1, 3},
		{connectionHolder{"C", "one"}, 1, 1},
		{connectionHolder{"D", "one"}, 1, 1},
		{connectionHolder{"E", "one"}, 1, 1},
		{connectionHolder{"F", "one"}, 0, 0},
	} {
		s.begin(t, c.connectionHolder, 5, got)
		if p, a := s.held(c.connectionHolder), s.held(c.ofAgency()); p != c.principal || a != c.agency {
			t.Errorf("%v holds %d, its agency %d; want %d and %d", c.connectionHolder, p, a, c.principal, c.agency)
		}
	}
}

// TN-03: with one connection, as SQLite's writer has, agencies take turns, and within an
// agency principals do.
func TestOneConnectionGoesAround(t *testing.T) {
	s, got := newShares(nil, 1), make(chan connectionHolder, 100)
	flood, coworker, other := connectionHolder{"A", "flood"}, connectionHolder{"A", "coworker"}, connectionHolder{"B", "other"}
	s.begin(t, flood, 40, got)
	s.begin(t, coworker, 2, got)
	s.begin(t, other, 2, got)
	var order []connectionHolder
	for range 8 {
		h := <-got
		order = append(order, h)
		s.release(h)
	}
	want := []connectionHolder{flood, other, coworker, other, flood, coworker, flood, flood}
	if !slices.Equal(order, want) {
		t.Errorf("got\n%v, want\n%v", order, want)
	}
}

// Waiting ends with the context and leaves nothing behind.
func TestWaitingForAShareEnds(t *testing.T) {
	s := newShares(nil, 1)
	giveBack, err := s.take(t.Context(), "A")
	if err != nil {
		t.Fatal(err)
	}
	late, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.take(late, "B"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	giveBack()
	if s.total != 0 || len(s.waiting) != 0 || len(s.agency) != 0 || len(s.holder) != 0 || len(s.served) != 0 {
		t.Errorf("left behind: %+v", s)
	}
}

// Two transactions that want each other's user wait one after the other, and nothing is kept
// of a finished turn.
func TestTurnsAreTakenInOneOrder(t *testing.T) {
	var all turns
	a, b := row{"A", "1"}, row{"A", "2"}
	first, second := &waitingLine{turns: &all}, &waitingLine{turns: &all}
	if err := errors.Join(first.enter(a), first.enter(a), second.enter(b)); err != nil {
		t.Fatal(err)
	}
	if first.enter(b) == nil || second.enter(a) == nil {
		t.Fatal("a turn was taken twice")
	}
	done := make(chan error, 2)
	for _, l := range []*waitingLine{first, second} {
		go func() {
			err := l.wait(t.Context())
			err = errors.Join(err, l.enter(a), l.enter(b))
			l.leave()
			done <- err
		}()
	}
	if err := errors.Join(<-done, <-done); err != nil {
		t.Error(err)
	}
	if len(all.rows) != 0 {
		t.Errorf("kept: %v", all.rows)
	}
	if err := second.enter(a); err != nil {
		t.Fatal(err)
	}
	late, cancel := context.WithCancel(t.Context())
	cancel()
	_ = first.enter(a)
	if err := first.wait(late); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	second.leave()
	if len(all.rows) != 0 {
		t.Errorf("kept: %v", all.rows)
	}
}
