package admin

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/notice"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// A Row is one preference with its value in the agency.
type Row struct {
	Preference countersign.Preference
	Setting    countersign.Setting
}

// Shown is the value as the table shows it.
func (r Row) Shown() string { return r.Preference.Show(r.Setting.Value) }

// Value is the value that counts: the stored one, or the default.
func (r Row) Value() string {
	if r.Setting.Value != "" {
		return r.Setting.Value
	}
	return r.Preference.Default
}

// A Saving is what an administrator wants to save.
type Saving struct {
	Code        string
	Value       string
	Version     int64 // of the row that was read; AnyVersion: whatever it is
	Reason      string
	EndSessions bool
}

// AnyVersion saves over whatever stands there: commands name the value only.
const AnyVersion = -1

// registry is all preferences: the built-in ones, then the declared.
func (o *Office) registry() []countersign.Preference {
	return append(countersign.BuiltIn(), o.Declared...)
}

func (o *Office) preference(code string) (countersign.Preference, error) {
	all := o.registry()
	i := slices.IndexFunc(all, func(p countersign.Preference) bool { return strings.EqualFold(p.Code, strings.TrimSpace(code)) })
	if i < 0 {
		return countersign.Preference{}, fail(countersign.NotFound, "preference.unknown", "code", countersign.Args{"Code": code})
	}
	return all[i], nil
}

// Preferences are all preferences with their values (M3, M6).
func (o *Office) Preferences(ctx context.Context, v countersign.Visit, actor countersign.Actor) (rows []Row, err error) {
	err = o.look(ctx, v, actor, func(tx *store.Tx, _ countersign.Actor) error {
		settings, err := tx.Settings(ctx)
		for _, p := range o.registry() {
			s := settings[p.Code]
			s.Code = p.Code
			rows = append(rows, Row{Preference: p, Setting: s})
		}
		return err
	}, countersign.RightPreferences)
	return rows, err
}

// An Effect is what saving would do, counted before it is done.
type Effect struct {
	Row         Row
	Value       string // the new value, in the form in which it is stored
	Counts      store.Counts
	NeedsReason bool
	Before      countersign.Preferences
	After       countersign.Preferences
}

// Effect says whom a change touches. It changes nothing.
func (o *Office) Effect(ctx context.Context, v countersign.Visit, actor countersign.Actor, s Saving) (e Effect, err error) {
	err = o.look(ctx, v, actor, func(tx *store.Tx, _ countersign.Actor) error {
		e, err = o.effect(ctx, tx, v, s)
		return err
	}, countersign.RightPreferences)
	return e, err
}

func (o *Office) effect(ctx context.Context, tx *store.Tx, v countersign.Visit, s Saving) (e Effect, err error) {
	if e.Row.Preference, err = o.preference(s.Code); err != nil {
		return e, err
	}
	if e.Value, err = e.Row.Preference.Parse(s.Value); err != nil {
		return e, err
	}
	if e.Row.Preference.Code == countersign.PrefCountries {
		if err := factor.CheckCountries(strings.Fields(e.Value)); err != nil {
			return e, err
		}
	}
	settings, err := tx.Settings(ctx)
	if err != nil {
		return e, err
	}
	code := e.Row.Preference.Code
	e.Row.Setting = settings[code]
	e.Row.Setting.Code = code
	e.Before = countersign.ParsePreferences(settings)
	changed := settings[code]
	changed.Value, changed.Changed = e.Value, v.Now
	settings[code] = changed
	e.After = countersign.ParsePreferences(settings)
	e.NeedsReason = e.Before.TwoFactor && !e.After.TwoFactor
	if !e.Before.TwoFactor && e.After.TwoFactor {
		if err := o.checkMail(ctx, tx, v.Now); err != nil {
			return e, err
		}
	}
	e.Counts, err = tx.Count(ctx, v.Now, countsSince(v.Now, e.Before), countsSince(v.Now, e.After), v.Now.Add(-e.Before.Idle))
	return e, err
}

// countsSince is the instant after which a proof must lie to count now; with
// frequency 0 or Off none does.
func countsSince(now time.Time, p countersign.Preferences) time.Time {
	if !p.TwoFactor || p.Days == 0 {
		return now.Add(policy.Skew)
	}
	return now.Add(-time.Duration(p.Days) * policy.Day)
}

// SetPreference saves a value. It counts from each user's next sign-in (M7).
// Turning 2FA Off needs a reason; Off, or a frequency of 0, forgets every
// device, and what weakens the agency is told to every administrator (RS-08).
func (o *Office) SetPreference(ctx context.Context, v countersign.Visit, actor countersign.Actor, s Saving) (row Row, err error) {
	err = o.act(ctx, v, actor, countersign.RightPreferences, func(tx *store.Tx, actor countersign.Actor) error {
		e, err := o.effect(ctx, tx, v, s)
		if err != nil {
			return err
		}
		if e.NeedsReason {
			if err := policy.CheckReason(s.Reason, "preference.reason_missing"); err != nil {
				return err
			}
		}
		if s.Version == AnyVersion {
			s.Version = e.Row.Setting.Version
		}
		row = Row{Preference: e.Row.Preference, Setting: countersign.Setting{
			Code: e.Row.Preference.Code, Value: e.Value, Version: s.Version + 1,
			Changed: v.Now, By: actor.Name(), Reason: countersign.CleanText(s.Reason)}}
		if err := tx.SaveSetting(ctx, row.Setting, s.Version); err != nil {
			return err
		}
		return o.saved(ctx, tx, v, actor, e, s)
	})
	return row, err
}

// saved does what follows from a saved value (D-41).
func (o *Office) saved(ctx context.Context, tx *store.Tx, v countersign.Visit, actor countersign.Actor, e Effect, s Saving) error {
	code := e.Row.Preference.Code
	ev := record(v, actor, "preference.changed", code)
	ev.Reason = s.Reason
	ev.Detail = map[string]string{"old": e.Row.Setting.Value, "new": e.Value}
	tx.Record(ev)
	if why := forgets(e); why != "" {
		n, err := tx.ForgetAllDevices(ctx, why, v.Now)
		if err != nil {
			return err
		}
		ev := record(v, actor, "device.all_forgotten", code)
		ev.Detail = map[string]string{"devices": strconv.Itoa(n)}
		tx.Record(ev)
	}
	if code == countersign.PrefTwoFactor {
		if err := tx.EndAllPending(ctx, v.Now); err != nil {
			return err
		}
	}
	if s.EndSessions {
		n, err := tx.EndAllSessions(ctx, actor.Session, "administrator", v.Now)
		if err != nil {
			return err
		}
		ev := record(v, actor, "session.all_ended", code)
		ev.Detail = map[string]string{"sessions": strconv.Itoa(n)}
		tx.Record(ev)
	}
	if !weakens(e) {
		return nil
	}
	return notice.Administrators(ctx, tx, v, countersign.KindTurnedOff, map[string]string{
		"By": byline(actor), "Reason": countersign.CleanText(s.Reason), "What": code, "Old": e.Row.Shown(), "New": e.Row.Preference.Show(e.Value)})
}

// forgets says why a change forgets every device; empty if it does not.
func forgets(e Effect) countersign.Forgotten {
	switch {
	case e.Before.TwoFactor && !e.After.TwoFactor:
		return countersign.ForgottenTurnedOff
	case e.Before.Days > 0 && e.After.Days == 0:
		return countersign.ForgottenFrequency
	default:
		return ""
	}
}

// weakens tells whether fewer tokens are asked after a change.
func weakens(e Effect) bool {
	return e.Before.TwoFactor && !e.After.TwoFactor || e.After.Days > e.Before.Days
}

// byline names the actor for letters: "ADMIN, Ann Admin".
func byline(actor countersign.Actor) string {
	if actor.Operator {
		return "the operator of the server"
	}
	return actor.User.Name + " (" + actor.User.Login + ")"
}
