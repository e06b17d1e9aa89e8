package authn

import (
	"context"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// ErrStepUpRequired returns the error of a request that needs a step-up first.
func ErrStepUpRequired() error {
	return countersign.Problem(countersign.KindStepUpRequired, "step_up.needed", "", nil)
}

// MakeDefault changes the Default of the user that factors belong to, if it is a
// change. session is the one that does; empty: the wizard of a sign-in.
func (s *Service) MakeDefault(ctx context.Context, tx *store.Tx, v countersign.Visit, session countersign.SessionID, factors []countersign.Factor, m countersign.Method) error {
	before := policy.Default(factors)
	if before.Method == m && before.Default {
		return nil
	}
	u, err := tx.User(ctx, before.User)
	if err != nil {
		return err
	}
	c := store.SessionChange{Kind: store.ChangeDefault, Ref: string(m), Was: string(before.Method)}
	if err := NoteChange(ctx, tx, v, session, c); err != nil {
		return err
	}
	tx.Record(WithMethod(v.Event("method.default", u), m, ""))
	return tx.SetDefault(ctx, u.ID, m)
}

// WithMethod names in an audit row which method it is about, and which passkey.
func WithMethod(e countersign.Event, m countersign.Method, passkey string) countersign.Event {
	e.Method = string(m)
	if passkey != "" {
		e.Detail = map[string]string{"passkey": passkey}
	}
	return e
}
