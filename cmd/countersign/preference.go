package main

import (
	"context"
	"errors"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/config"
	"countersign/internal/web"
)

type preferenceCmd struct {
	List  preferenceList  `cmd:"" help:"List the preferences with their values."`
	Set   preferenceSet   `cmd:"" help:"Set a preference."`
	Unset preferenceUnset `cmd:"" help:"Give a preference its default back."`
}

type preferenceJSON struct {
	Code    string `json:"code"`
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Value   string `json:"value"`
	Default string `json:"default"`
	Set     bool   `json:"set"`
}

type preferenceList struct {
	inAgency
	JSON bool `name:"json" help:"Print the preferences as JSON."`
}

// Run lists the preferences.
func (cmd preferenceList) Run(s *config.Settings, c *console) error {
	return withExisting(s, cmd.Agency, func(ctx context.Context, h *app, v countersign.Visit) error {
		all, err := h.admin.Preferences(ctx, v, operator)
		if err != nil {
			return err
		}
		views, rows := []preferenceJSON{}, [][]string{{"CODE", "VALUE", "PREFERENCE"}}
		for _, row := range all {
			p := row.Preference
			views = append(views, preferenceJSON{p.Code, p.Name, string(p.Kind), row.Value(), p.Default, row.Setting.Value != ""})
			rows = append(rows, []string{p.Code, shown(row), p.Name})
		}
		if cmd.JSON {
			return c.json(views)
		}
		return c.table(rows)
	})
}

// shown returns the value of a preference as a command prints it. The page's prompt to choose a
// value is left out.
func shown(row admin.Row) string {
	if row.Setting.Value == "" && row.Preference.Default == "" && row.Preference.Empty == "" {
		return "not set"
	}
	return row.Shown()
}

type preferenceSet struct {
	inAgency
	Code   string `arg:"" help:"Code, for example 2FAFREQUENCY."`
	Value  string `arg:"" help:"Value, for example 7."`
	Reason string `help:"Why; needed to turn 2FA Off."`
}

// Run sets the preference.
func (cmd preferenceSet) Run(s *config.Settings, c *console) error {
	return setPreference(s, c, cmd.Agency, admin.PreferenceChange{Code: cmd.Code, Value: cmd.Value, Reason: cmd.Reason})
}

type preferenceUnset struct {
	inAgency
	Code   string `arg:"" help:"Code, for example 2FAFREQUENCY."`
	Reason string `help:"Why; needed to turn 2FA Off."`
}

// Run restores the default of the preference.
func (cmd preferenceUnset) Run(s *config.Settings, c *console) error {
	return setPreference(s, c, cmd.Agency, admin.PreferenceChange{Code: cmd.Code, Reason: cmd.Reason})
}

func setPreference(s *config.Settings, c *console, agency string, saving admin.PreferenceChange) error {
	saving.Version = admin.AnyVersion
	return withApp(s, agency, func(ctx context.Context, h *app, v countersign.Visit) error {
		row, err := h.admin.SetPreference(ctx, v, operator, saving)
		if code := countersign.CodeOf(err); code == "preference.mail_unproved" || code == "preference.no_mail_route" {
			return errors.New(web.Text(err)) // the input is valid, but the mail route is not
		}
		if err != nil {
			return err
		}
		return c.table([][]string{{row.Preference.Code, shown(row), "counts from each user's next sign-in"}})
	})
}
