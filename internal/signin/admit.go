package signin

import (
	"context"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// SavePending keeps what was posted with a session that had ended for being idle or
// old, so that it goes on once its user has signed in again in this browser:
// what was typed is not lost.
func (s *Service) SavePending(ctx context.Context, v countersign.Visit, act countersign.PendingRequest) error {
	if err := policy.CheckPending(act); err != nil {
		return err
	}
	return s.Authn.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		session, err := tx.Session(ctx, authn.SessionID(v.Session))
		if countersign.KindOf(err) == countersign.KindNotFound || err == nil && !session.Ended.IsZero() {
			return nil // ended by somebody: nothing of it goes on
		}
		if err != nil {
			return err
		}
		if err := tx.EndSessionAttempts(ctx, session.ID, countersign.PurposeResume); err != nil {
			return err
		}
		return s.Authn.AddAttempt(ctx, tx, v, countersign.User{ID: session.User}, countersign.Attempt{
			ID:      authn.AttemptID(secret.NewHandle()),
			User:    session.User,
			Purpose: countersign.PurposeResume,
			Session: session.ID,
			Client:  v.Client,
			Pending: &act,
			Started: v.Now,
			Expires: v.Now.Add(policy.EnrollmentLife),
		})
	})
}

// HasPending tells whether something that was posted waits for the user of the visit's
// session, which has ended.
func (s *Service) HasPending(ctx context.Context, v countersign.Visit) (waits bool, err error) {
	if v.Session == "" {
		return false, nil
	}
	err = s.Authn.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		a, err := tx.SessionAttempt(ctx, authn.SessionID(v.Session), countersign.PurposeResume)
		if countersign.KindOf(err) == countersign.KindNotFound {
			return nil
		}
		waits = v.Now.Before(a.Expires)
		return err
	})
	return waits, err
}
