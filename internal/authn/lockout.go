package authn

import (
	"context"
	"strings"

	"countersign"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// tokens loads the state of the limits on a user's tokens.
func (s *Service) tokens(ctx context.Context, tx *store.Tx, v countersign.Visit, user countersign.UserID) (t policy.TokenLimits, err error) {
	if t.Limits, err = tx.Limits(ctx, string(user), v.Now.Add(-policy.InFlight)); err != nil {
		return t, err
	}
	oldest, err := tx.NthWrongToken(ctx, user, v.Now.Add(-policy.Day), policy.MaxTokens, false)
	if err == nil && !oldest.IsZero() {
		t.DayEnd = oldest.Add(policy.Day)
	}
	return t, err
}

// wrongToken applies the limits that a wrong token counts toward beyond its own
// sign-in, whatever succeeded in between (TH-02): too many in a day stop all tokens,
// too many in thirty days or in a row lock the methods that were tried.
func (s *Service) wrongToken(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, g countersign.CountedTry, failures int) error {
	since := v.Now.Add(-policy.TokensLong)
	many, err := tx.NthWrongToken(ctx, u.ID, since, policy.MaxTokensLong, true)
	if err != nil {
		return err
	}
	if !many.IsZero() {
		lanes, err := tx.SpendTokens(ctx, u.ID, since)
		if err != nil {
			return err
		}
		return s.lockOutMethods(ctx, tx, v, u, lanes)
	}
	if policy.Closes(g.Limit, failures) {
		return s.lockOutMethods(ctx, tx, v, u, []countersign.LimitKey{g.Limit})
	}
	t, err := s.tokens(ctx, tx, v, u.ID)
	if err != nil || t.DayEnd.IsZero() {
		return err
	}
	first, err := tx.FirstUntil(ctx, string(u.ID), "alarm-tokens", v.Now, t.DayEnd)
	if err != nil || !first {
		return err
	}
	return s.alertUser(ctx, tx, v, u, policy.DecisionStopped, map[string]string{"Until": notify.Until(t.DayEnd)})
}

// lockOutMethods locks methods until they are set up again, and the password until
// a new one is chosen: an attacker who guesses tokens knows it.
func (s *Service) lockOutMethods(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, lanes []countersign.LimitKey) error {
	var methods []string
	for _, l := range lanes {
		if _, err := tx.LockOut(ctx, string(u.ID), l, v.Now); err != nil {
			return err
		}
		methods = append(methods, string(l.Method()))
	}
	for _, l := range []countersign.LimitKey{countersign.LimitPasswordKnown, countersign.LimitPassword} {
		if _, err := tx.LockOut(ctx, string(u.ID), l, v.Now); err != nil {
			return err
		}
	}
	return s.alertUser(ctx, tx, v, u, policy.DecisionUnbound, map[string]string{"Methods": strings.Join(methods, " ")})
}

// lockOutPassword locks a password and notifies the user. For an unknown user ID it
// does the same, without the mail.
func (s *Service) lockOutPassword(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, g countersign.CountedTry) error {
	closed, err := tx.LockOut(ctx, g.Subject, g.Limit, v.Now)
	if err != nil || !closed || u.ID == "" {
		return err
	}
	return s.alertUser(ctx, tx, v, u, policy.DecisionClosed, map[string]string{"Lane": string(g.Limit)})
}

// alertUser writes an audit row, sends mail to every address of the user, and counts
// the alarm in the metrics.
func (s *Service) alertUser(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, code string, data map[string]string) error {
	tx.Record(v.RefusedEvent("throttle.alarm", u, code))
	tx.After(func() { s.alarmed(code) })
	data["Why"] = code
	return notify.Send(ctx, tx, v, u, countersign.MessageGuessing, data)
}
