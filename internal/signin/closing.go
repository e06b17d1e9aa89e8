package signin

import (
	"context"
	"strings"

	"countersign"
	"countersign/internal/notice"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// tokens is what is known of a user's wrong tokens.
func (d *Desk) tokens(ctx context.Context, tx *store.Tx, v countersign.Visit, user countersign.UserID) (t policy.Tokens, err error) {
	if t.Lanes, err = tx.Lanes(ctx, string(user), v.Now.Add(-policy.InFlight)); err != nil {
		return t, err
	}
	oldest, err := tx.NthWrongToken(ctx, user, v.Now.Add(-policy.Day), policy.MaxTokens, false)
	if err == nil && !oldest.IsZero() {
		t.DayEnd = oldest.Add(policy.Day)
	}
	return t, err
}

// wrongToken is what follows a wrong token beyond its own sign-in, whatever
// succeeded in between (TH-02): too many in a day stop all tokens, too many in
// thirty days or in a row close the methods that were guessed at.
func (d *Desk) wrongToken(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, g countersign.Guess, failures int) error {
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
		return d.closeMethods(ctx, tx, v, u, lanes)
	}
	if policy.Closes(g.Lane, failures) {
		return d.closeMethods(ctx, tx, v, u, []countersign.Lane{g.Lane})
	}
	t, err := d.tokens(ctx, tx, v, u.ID)
	if err != nil || t.DayEnd.IsZero() {
		return err
	}
	first, err := tx.Once(ctx, string(u.ID), "alarm-tokens", v.Now, t.DayEnd)
	if err != nil || !first {
		return err
	}
	return d.sound(ctx, tx, v, u, policy.PauseStopped, map[string]string{"Until": notice.Until(t.DayEnd)})
}

// closeMethods closes methods until they are bound again, and the password until
// a new one is chosen: who guesses tokens knows it.
func (d *Desk) closeMethods(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, lanes []countersign.Lane) error {
	var methods []string
	for _, l := range lanes {
		if _, err := tx.CloseLane(ctx, string(u.ID), l, v.Now); err != nil {
			return err
		}
		methods = append(methods, string(l.Method()))
	}
	for _, l := range []countersign.Lane{countersign.LaneKnown, countersign.LaneUnknown} {
		if _, err := tx.CloseLane(ctx, string(u.ID), l, v.Now); err != nil {
			return err
		}
	}
	return d.sound(ctx, tx, v, u, policy.PauseUnbound, map[string]string{"Methods": strings.Join(methods, " ")})
}

// closePassword closes a password's lane; the user is told. Where nobody has the
// user ID the same is done, but for the letter.
func (d *Desk) closePassword(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, g countersign.Guess) error {
	closed, err := tx.CloseLane(ctx, g.Subject, g.Lane, v.Now)
	if err != nil || !closed || u.ID == "" {
		return err
	}
	return d.sound(ctx, tx, v, u, policy.PauseClosed, map[string]string{"Lane": string(g.Lane)})
}

// sound alerts: an audit row, a letter to every address of the user, and a count
// for the monitors.
func (d *Desk) sound(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, code string, data map[string]string) error {
	tx.Record(refused(v, "throttle.alarm", u, code))
	tx.After(func() { d.alarmed(code) })
	data["Why"] = code
	return notice.Tell(ctx, tx, v, u, countersign.KindGuessing, data)
}
