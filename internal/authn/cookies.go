package authn

import (
	"context"

	"countersign"
	"countersign/internal/store"
)

// Handles are what the cookies of a request hold, more than one for each name
// where the browser keeps several.
type Handles struct {
	Sessions []countersign.Handle
	Attempts []countersign.Handle
	Browsers []countersign.Handle
}

// Any reports whether there is anything to choose from.
func (h Handles) Any() bool { return len(h.Sessions) > 1 || len(h.Attempts) > 1 || len(h.Browsers) > 1 }

// Recognize returns the visit with the handles that belong to rows of this
// agency. Where none does, the first of each name stays.
func (s *Service) Recognize(ctx context.Context, v countersign.Visit, several Handles) (countersign.Visit, error) {
	err := s.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		var err error
		own := v
		if own.Session, err = pick(several.Sessions, func(h countersign.Handle) (bool, error) {
			session, err := tx.Session(ctx, SessionID(h))
			return err == nil && session.Ended.IsZero(), err
		}); err != nil {
			return err
		}
		if own.Attempt, err = pick(several.Attempts, func(h countersign.Handle) (bool, error) {
			_, err := tx.Attempt(ctx, AttemptID(h))
			return err == nil, err
		}); err != nil {
			return err
		}
		if own.Browser, err = pick(several.Browsers, func(h countersign.Handle) (bool, error) {
			one := v
			one.Browser = h
			_, known, err := s.Browser(ctx, tx, one)
			return known, err
		}); err != nil {
			return err
		}
		v = own
		return nil
	})
	return v, err
}

// pick is the first handle that is known, or the first of all; empty: there is none.
func pick(all []countersign.Handle, known func(countersign.Handle) (bool, error)) (countersign.Handle, error) {
	if len(all) == 0 {
		return "", nil
	}
	for _, h := range all {
		ok, err := known(h)
		if ok {
			return h, nil
		}
		if kind := countersign.KindOf(err); err != nil && kind != countersign.KindNotFound && kind != countersign.KindGone {
			return "", err
		}
	}
	return all[0], nil
}
