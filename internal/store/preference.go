package store

import (
	"context"

	"countersign"
)

func scanSetting(scan func(...any) error) (countersign.Setting, error) {
	var s countersign.Setting
	var changed int64
	err := scan(&s.Code, &s.Value, &s.Version, &changed, &s.By, &s.Reason)
	s.Changed = instant(changed)
	return s, err
}

// Settings returns the values that the agency has set, by code.
func (tx *Tx) Settings(ctx context.Context) (map[string]countersign.Setting, error) {
	all, err := list(ctx, tx.sql, scanSetting,
		`SELECT code, value, version, changed, changed_by, reason FROM preference WHERE agency_id = $1`, tx.agency)
	if err != nil {
		return nil, err
	}
	settings := make(map[string]countersign.Setting, len(all))
	for _, s := range all {
		settings[s.Code] = s
	}
	return settings, nil
}

// Preferences returns the settings as the policy package reads them.
func (tx *Tx) Preferences(ctx context.Context) (countersign.Preferences, error) {
	settings, err := tx.Settings(ctx)
	if err != nil {
		return countersign.Preferences{}, err
	}
	return countersign.ParsePreferences(settings), nil
}

// SaveSetting saves a value if it was not changed since version. The first save of a code has
// version 0.
func (tx *Tx) SaveSetting(ctx context.Context, s countersign.Setting, version int64) error {
	n, err := tx.exec(ctx, `
		INSERT INTO preference (agency_id, code, value, version, changed, changed_by, reason) VALUES ($1, $2, $3, 1, $4, $5, $6)
		ON CONFLICT (agency_id, code) DO UPDATE SET value = excluded.value, version = preference.version + 1,
			changed = excluded.changed, changed_by = excluded.changed_by, reason = excluded.reason
		WHERE preference.version = $7`,
		tx.agency, s.Code, s.Value, millis(s.Changed), s.By, s.Reason, version)
	if err != nil {
		return err
	}
	if n == 0 {
		return &countersign.Error{Kind: countersign.KindConflict, Code: "edit.conflict"}
	}
	return nil
}
