package authn

import (
	"context"
	"errors"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// lostGuesses is the error for tries of a limit that were counted and never settled: the
// node that compared them has died. They are settled in a transaction of their own, since
// the one that found them may be rolled back.
type lostGuesses struct {
	user countersign.UserID     // empty: no user has the user ID or passkey
	g    countersign.CountedTry // the try that found them: their subject and limit
}

func (lostGuesses) Error() string { return "guesses of this lane were never settled" }

// afterLost runs pay, which counts a try in one transaction. If pay finds lost tries,
// afterLost settles them and runs pay once more.
func (s *Service) afterLost(ctx context.Context, v countersign.Visit, pay func() error) error {
	err := pay()
	var lost lostGuesses
	if !errors.As(err, &lost) {
		return err
	}
	if err := s.settleLost(ctx, v, lost); err != nil {
		return err
	}
	return pay()
}

// settleLost counts lost tries as wrong, with all consequences: a lockout that they
// cause has its audit row and its mail. Neither names the client of this visit, which
// has not made them.
func (s *Service) settleLost(ctx context.Context, v countersign.Visit, lost lostGuesses) error {
	g := lost.g
	g.Client, v.Client = countersign.Client{}, countersign.Client{}
	err := s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		var u countersign.User
		if lost.user != "" {
			var err error
			if u, err = tx.LockUser(ctx, lost.user); err != nil && countersign.KindOf(err) != countersign.KindNotFound {
				return err
			}
		}
		if _, err := tx.LockLimit(ctx, g.Subject, g.Limit, v.Now); err != nil {
			return err
		}
		n, last, err := tx.FailUnsettled(ctx, g.Subject, g.Limit, v.Now.Add(-policy.InFlight))
		if err != nil || n == 0 {
			return err
		}
		failures, err := tx.CountFailures(ctx, g.Subject, g.Limit, n)
		if err != nil {
			return err
		}
		return s.afterFailures(ctx, tx, v, u, g, failures, last)
	})
	s.Wake()
	return err
}
