package admin

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/notify"
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

// A PreferenceChange is what an administrator wants to save.
type PreferenceChange struct {
	Code        string
	Value       string
	Version     int64 // of the row that was read; AnyVersion: whatever it is
	Reason      string
	EndSessions bool
}

// AnyVersion saves over whatever stands there: commands name the value only.
const AnyVersion = -1

// preferences is all preferences: the built-in ones, then the declared.
func (s *Service) preferences() []countersign.Preference {
	return append(countersign.BuiltIn(), s.Declared...)
}

func (s *Service) preference(code string) (countersign.Preference, error) {
	all := s.preferences()
	i := slices.IndexFunc(all, func(p countersign.Preference) bool { return strings.EqualFold(p.Code, strings.TrimSpace(code)) })
	if i < 0 {
		return countersign.Preference{}, countersign.Problem(countersign.KindNotFound, "preference.unknown", "code", countersign.Args{"Code": code})
	}
	return all[i], nil
}

// Preferences are all preferences with their values (M3, M6).
func (s *Service) Preferences(ctx context.Context, v countersign.Visit, actor countersign.Actor) (rows []Row, err error) {
	err = s.read(ctx, v, actor, func(tx *store.Tx, _ countersign.Actor) error {
		settings, err := tx.Settings(ctx)
		for _, p := range s.preferences() {
			setting := settings[p.Code]
			setting.Code = p.Code
			rows = append(rows, Row{Preference: p, Setting: setting})
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
func (s *Service) Effect(ctx context.Context, v countersign.Visit, actor countersign.Actor, preferenceChange PreferenceChange) (e Effect, err error) {
	err = s.read(ctx, v, actor, func(tx *store.Tx, _ countersign.Actor) error {
		e, err = s.effect(ctx, tx, v, preferenceChange)
		return err
	}, countersign.RightPreferences)
	return e, err
}

func (s *Service) effect(ctx context.Context, tx *store.Tx, v countersign.Visit, preferenceChange PreferenceChange) (e Effect, err error) {
	if e.Row.Preference, err = s.preference(preferenceChange.Code); err != nil {
		return e, err
	}
	if e.Value, err = e.Row.Preference.Parse(preferenceChange.Value); err != nil {
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
		if err := s.checkMail(ctx, tx, v.Now); err != nil {
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
func (s *Service) SetPreference(ctx context.Context, v countersign.Visit, actor countersign.Actor, preferenceChange PreferenceChange) (row Row, err error) {
	err = s.change(ctx, v, actor, countersign.RightPreferences, func(tx *store.Tx, actor countersign.Actor) error {
		e, err := s.effect(ctx, tx, v, preferenceChange)
		if err != nil {
			return err
		}
		if e.NeedsReason {
			if err := policy.CheckReason(preferenceChange.Reason, "preference.reason_missing"); err != nil {
				return err
			}
		}
		if preferenceChange.Version == AnyVersion {
			preferenceChange.Version = e.Row.Setting.Version
		}
		row = Row{Preference: e.Row.Preference, Setting: countersign.Setting{
			Code: e.Row.Preference.Code, Value: e.Value, Version: preferenceChange.Version + 1,
			Changed: v.Now, By: actor.Name(), Reason: countersign.CleanText(preferenceChange.Reason)}}
		if err := tx.SaveSetting(ctx, row.Setting, preferenceChange.Version); err != nil {
			return err
		}
		return s.afterSave(ctx, tx, v, actor, e, preferenceChange)
	})
	return row, err
}

// afterSave does what follows from a saved value.
func (s *Service) afterSave(ctx context.Context, tx *store.Tx, v countersign.Visit, actor countersign.Actor, e Effect, preferenceChange PreferenceChange) error {
	code := e.Row.Preference.Code
	ev := newEvent(v, actor, "preference.changed", code)
	ev.Reason = preferenceChange.Reason
	ev.Detail = map[string]string{"old": e.Row.Setting.Value, "new": e.Value}
	tx.Record(ev)
	if why := forgets(e); why != "" {
		n, err := tx.ForgetAllDevices(ctx, why, v.Now)
		if err != nil {
			return err
		}
		ev := newEvent(v, actor, "device.all_forgotten", code)
		ev.Detail = map[string]string{"devices": strconv.Itoa(n)}
		tx.Record(ev)
	}
	if code == countersign.PrefTwoFactor {
		if err := tx.EndAllPending(ctx, v.Now); err != nil {
			return err
		}
	}
	if preferenceChange.EndSessions {
		n, err := tx.EndAllSessions(ctx, actor.Session, "administrator", v.Now)
		if err != nil {
			return err
		}
		ev := newEvent(v, actor, "session.all_ended", code)
		ev.Detail = map[string]string{"sessions": strconv.Itoa(n)}
		tx.Record(ev)
	}
	if !weakens(e) {
		return nil
	}
	return notify.Administrators(ctx, tx, v, countersign.MessageTurnedOff, map[string]string{
		"By": displayName(actor), "Reason": countersign.CleanText(preferenceChange.Reason), "What": code, "Old": e.Row.Shown(), "New": e.Row.Preference.Show(e.Value)})
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

// displayName names the actor for letters: "ADMIN, Ann Admin".
func displayName(actor countersign.Actor) string {
	if actor.Operator {
		return "the operator of the server"
	}
	return actor.User.Name + " (" + actor.User.Login + ")"
}
