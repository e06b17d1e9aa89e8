// Package admin makes administrative changes: preferences, users, rights,
// reset. Each one is a transaction with its audit row; who may do it is decided
// by policy, from the actor's rights at that moment.
package admin

import (
	"context"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// A Service does what administrators and operators do.
type Service struct {
	Store     *store.DB
	Passwords *secret.Passwords
	Key       secret.Key
	Methods   factor.Set
	From      string                   // sender of the agencies that have none of their own
	Mail      MailRoute                // whether mail can go out
	Declared  []countersign.Preference // the applications' own preferences (M6)
	Wake      func()                   // tells the outbox that a message waits
}

// change runs f in a transaction for an actor whose rights are read again in it:
// a right that was taken a moment ago opens nothing. Of somebody who is signed
// in a second factor is needed that was proved on his session within five
// minutes (SE-06). Without one, whatever f finds wrong is said first, so that
// nobody proves himself for what is refused anyway; then nothing of f is kept,
// and a step-up is asked for.
func (s *Service) change(ctx context.Context, v countersign.Visit, actor countersign.Actor, right countersign.Right,
	f func(*store.Tx, countersign.Actor) error) error {
	err := s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		now, err := s.currentActor(ctx, tx, actor)
		if err != nil {
			return err
		}
		if err := policy.MayOpen(now, right); err != nil {
			return err
		}
		recent, err := s.recent(ctx, tx, v, now)
		if err != nil {
			return err
		}
		if err := f(tx, now); err != nil {
			return err
		}
		if !recent {
			return countersign.Problem(countersign.KindStepUpRequired, "step_up.needed", "", nil)
		}
		return nil
	})
	if countersign.Includes(err, countersign.KindDenied) {
		return s.denied(ctx, v, actor, err)
	}
	s.Wake()
	return err
}

// recent reports whether the actor has just proved a second factor, by the present
// state of their session; commands on the host have no session and need none.
func (s *Service) recent(ctx context.Context, tx *store.Tx, v countersign.Visit, actor countersign.Actor) (bool, error) {
	if actor.Operator {
		return true, nil
	}
	session, err := tx.Session(ctx, actor.Session)
	if err != nil && countersign.KindOf(err) != countersign.KindNotFound {
		return false, err
	}
	if err != nil || !session.Ended.IsZero() || session.User != actor.User.ID {
		return false, countersign.Problem(countersign.SignedOut, "session.ended", "", countersign.Args{"At": v.Now})
	}
	return policy.ProvedRecently(session, actor.User, v.Now), nil
}

// read is act for what only reads; any of the rights opens it.
func (s *Service) read(ctx context.Context, v countersign.Visit, actor countersign.Actor, f func(*store.Tx, countersign.Actor) error, rights ...countersign.Right) error {
	err := s.Store.Read(ctx, v.Agency.ID, func(tx *store.Tx) error {
		now, err := s.currentActor(ctx, tx, actor)
		if err != nil {
			return err
		}
		if err := policy.MayOpen(now, rights...); err != nil {
			return err
		}
		return f(tx, now)
	})
	if countersign.Includes(err, countersign.KindDenied) {
		return s.denied(ctx, v, actor, err)
	}
	return err
}

// MayOpen refuses, with an audit row, an actor who holds none of the rights.
func (s *Service) MayOpen(ctx context.Context, v countersign.Visit, actor countersign.Actor, rights ...countersign.Right) error {
	return s.read(ctx, v, actor, func(*store.Tx, countersign.Actor) error { return nil }, rights...)
}

// currentActor returns the actor with their present rights.
func (s *Service) currentActor(ctx context.Context, tx *store.Tx, actor countersign.Actor) (countersign.Actor, error) {
	if actor.Operator {
		return actor, nil
	}
	u, err := tx.User(ctx, actor.User.ID)
	if countersign.KindOf(err) == countersign.KindNotFound || err == nil && u.Disabled {
		return actor, countersign.Problem(countersign.SignedOut, "session.none", "", nil)
	}
	if err != nil {
		return actor, err
	}
	actor.User = u
	return actor, nil
}

// denied writes the audit row of a refused act (AU-01).
func (s *Service) denied(ctx context.Context, v countersign.Visit, actor countersign.Actor, why error) error {
	err := s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		e := newEvent(v, actor, "right.refused", "")
		e.Result, e.Reason = "refused", countersign.CodeOf(why)
		tx.Record(e)
		return nil
	})
	if err != nil {
		return err
	}
	return why
}

// newEvent begins an audit row of an act.
func newEvent(v countersign.Visit, actor countersign.Actor, action, subject string) countersign.Event {
	return countersign.Event{At: v.Now, Action: action, Actor: actor.Name(), Subject: subject, Client: v.Client, Request: v.Request}
}
