package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/signin"
)

// A preferencesPage is the table of System Preferences (M3).
type preferencesPage struct {
	base
	Rows  []preferenceRow
	All   int
	Query string
	sorting
}

// A preferenceRow is one row; the open one is a form.
type preferenceRow struct {
	admin.Row
	Open    bool
	Typed   string
	Reason  string
	Version int64
}

// Switch tells whether the row takes On or Off.
func (r preferenceRow) Switch() bool { return r.Preference.Kind == countersign.KindSwitch }

// Choices are the values of a list, where the row has one.
func (r preferenceRow) Choices() []string {
	switch r.Preference.Kind {
	case countersign.KindSwitch:
		return []string{"On", "Off"}
	case countersign.KindChoice:
		return r.Preference.Values
	default:
		return nil
	}
}

// NeedsReason tells whether the form asks why: 2FA is On and may be turned Off.
func (r preferenceRow) NeedsReason() bool {
	return r.Preference.Code == countersign.PrefTwoFactor && r.Setting.Value == "On"
}

// A sorting is by which column a table is ordered.
type sorting struct {
	Sort       string
	Descending bool
	query      url.Values
}

// sortOf reads the order from the address.
func sortOf(r *http.Request, standard string) sorting {
	q := r.URL.Query()
	s := sorting{Sort: q.Get("sort"), Descending: q.Get("order") == "descending", query: url.Values{}}
	if s.Sort == "" {
		s.Sort = standard
	}
	for _, keep := range []string{"q", "state", "method", "right"} {
		if q.Get(keep) != "" {
			s.query.Set(keep, q.Get(keep))
		}
	}
	return s
}

// Link is the address that orders by a column, the other way round if it is
// ordered by it already.
func (s sorting) Link(column string) string {
	q := url.Values{}
	for k, v := range s.query {
		q[k] = v
	}
	q.Set("sort", column)
	q.Set("order", "ascending")
	if s.Sort == column && !s.Descending {
		q.Set("order", "descending")
	}
	return "?" + q.Encode()
}

// Aria is the value of aria-sort of a column; empty: not ordered by it.
func (s sorting) Aria(column string) string {
	switch {
	case s.Sort != column:
		return ""
	case s.Descending:
		return "descending"
	default:
		return "ascending"
	}
}

func (s *Server) getPreferences(w http.ResponseWriter, r *http.Request, v countersign.Visit, g signin.Guest) error {
	p, err := s.preferences(r, v, g)
	if err != nil {
		return err
	}
	p.open(r.URL.Query().Get("edit"), nil)
	if code := r.URL.Query().Get("saved"); code != "" {
		p.Alert = p.savedAlert(code)
	}
	return s.show(w, http.StatusOK, "console_preferences", p)
}

func (s *Server) preferences(r *http.Request, v countersign.Visit, g signin.Guest) (preferencesPage, error) {
	p := preferencesPage{base: s.console(v, g, "System Preferences", "admin-system"), sorting: sortOf(r, ""), Query: r.URL.Query().Get("q")}
	rows, err := s.Office.Preferences(r.Context(), v, g.Actor())
	if err != nil {
		return p, err
	}
	p.All = len(rows)
	for _, row := range rows {
		p.tellOff(row)
		if p.Query == "" || strings.Contains(strings.ToLower(row.Preference.Name+" "+row.Preference.Code), strings.ToLower(p.Query)) {
			p.Rows = append(p.Rows, preferenceRow{Row: row, Version: row.Setting.Version, Typed: row.Setting.Value})
		}
	}
	p.order()
	return p, nil
}

// tellOff says on the standing banner since when 2FA is Off, by whom and why.
func (p *preferencesPage) tellOff(row admin.Row) {
	if p.Off == nil || row.Preference.Code != countersign.PrefTwoFactor || row.Setting.By == "" {
		return
	}
	p.Off.Head = "Two factor authentication is Off since " + p.When(row.Setting.Changed) + ", by " + row.Setting.By + "."
	if row.Setting.Reason != "" {
		p.Off.Rest = `Reason given: "` + row.Setting.Reason + `".`
	}
}

// order sorts the rows by a column; without one they stand in the registry's
// order, the TechNote's two first.
func (p *preferencesPage) order() {
	key := map[string]func(preferenceRow) string{
		"name":  func(r preferenceRow) string { return strings.ToLower(r.Preference.Name) },
		"code":  func(r preferenceRow) string { return r.Preference.Code },
		"value": func(r preferenceRow) string { return strings.ToLower(r.Shown()) },
	}[p.Sort]
	if key == nil {
		p.Sort = ""
		return
	}
	slices.SortStableFunc(p.Rows, func(a, b preferenceRow) int {
		order := cmp.Compare(key(a), key(b))
		if p.Descending {
			return -order
		}
		return order
	})
}

// open makes one row the form. typed is what was sent, if it was refused.
func (p *preferencesPage) open(code string, typed *admin.Saving) {
	for i := range p.Rows {
		row := &p.Rows[i]
		if !strings.EqualFold(row.Preference.Code, code) {
			continue
		}
		row.Open = true
		if typed != nil {
			row.Typed, row.Reason = typed.Value, typed.Reason
		}
	}
}

// savedAlert says what a preference is now.
func (p preferencesPage) savedAlert(code string) *alert {
	for _, row := range p.Rows {
		if row.Preference.Code == code {
			return &alert{Kind: "done", Role: "status", Head: code + " is " + cmp.Or(row.Shown(), "empty") + " now.",
				Rest: "It counts from each user's next sign-in."}
		}
	}
	return nil
}

// An effectPage tells whom a change touches before it is saved.
type effectPage struct {
	base
	Effect admin.Effect
	Saving admin.Saving
}

// Turn tells what becomes of two factor authentication: "on", "off", or nothing.
func (p effectPage) Turn() string {
	switch {
	case !p.Effect.Before.TwoFactor && p.Effect.After.TwoFactor:
		return "on"
	case p.Effect.Before.TwoFactor && !p.Effect.After.TwoFactor:
		return "off"
	default:
		return ""
	}
}

// Frequency tells whether the days change while two factor authentication is On.
func (p effectPage) Frequency() bool {
	return p.Effect.After.TwoFactor && p.Effect.Before.Days != p.Effect.After.Days
}

func (s *Server) postPreferences(w http.ResponseWriter, r *http.Request, v countersign.Visit, g signin.Guest) error {
	f := r.PostForm
	saving := admin.Saving{Code: f.Get("code"), Value: f.Get("value"), Version: admin.AnyVersion, Reason: f.Get("reason"), EndSessions: f.Get("end_sessions") == "yes"}
	if version, err := strconv.ParseInt(f.Get("version"), 10, 64); err == nil {
		saving.Version = version
	}
	var err error
	if f.Get("step") == "effect" {
		var effect admin.Effect
		if effect, err = s.Office.Effect(r.Context(), v, g.Actor(), saving); err == nil {
			p := effectPage{base: s.console(v, g, "The effect of this change", "admin-system"), Effect: effect, Saving: saving}
			return s.show(w, http.StatusOK, "console_effect", p)
		}
	} else {
		var row admin.Row
		if row, err = s.Office.SetPreference(r.Context(), v, g.Actor(), saving); err == nil {
			http.Redirect(w, r, "/admin/system/preferences"+query("saved", row.Preference.Code), http.StatusSeeOther)
			return nil
		}
	}
	return s.preferenceRefused(w, r, v, g, saving, err)
}

// preferenceRefused shows the table again with the row open, what was typed in
// it, and why it was not saved.
func (s *Server) preferenceRefused(w http.ResponseWriter, r *http.Request, v countersign.Visit, g signin.Guest, saving admin.Saving, refused error) error {
	kind := countersign.KindOf(refused)
	if kind != countersign.Invalid && kind != countersign.Exists {
		return refused
	}
	p, err := s.preferences(r, v, g)
	if err != nil {
		return err
	}
	if kind == countersign.Exists {
		return s.conflict(w, r, p, saving)
	}
	p.refuse(refused)
	p.open(saving.Code, &saving)
	return s.show(w, http.StatusUnprocessableEntity, "console_preferences", p)
}

// A conflictPage lays three values side by side: what stood there when the form
// was opened, what somebody else has saved since, and what was typed.
type conflictPage struct {
	base
	Row   admin.Row
	Was   string
	Known bool // the form said what stood there
	Mine  admin.Saving
}

// By is who saved meanwhile.
func (p conflictPage) By() string { return person(p.Row.Setting.By) }

// person is how a name of the audit log reads at the beginning of a sentence.
func person(name string) string {
	if name == "operator" {
		return "The operator of the server"
	}
	return name
}

// conflict answers a save on top of a newer one; nothing was overwritten.
func (s *Server) conflict(w http.ResponseWriter, r *http.Request, table preferencesPage, mine admin.Saving) error {
	i := slices.IndexFunc(table.Rows, func(row preferenceRow) bool { return strings.EqualFold(row.Preference.Code, mine.Code) })
	if i < 0 {
		return &countersign.Error{Kind: countersign.NotFound, Code: "preference.unknown", Args: countersign.Args{"Code": mine.Code}}
	}
	p := conflictPage{base: table.base, Row: table.Rows[i].Row, Mine: mine, Was: r.PostForm.Get("was"), Known: r.PostForm.Has("was")}
	p.Title = "Changed by somebody else in the meantime"
	return s.show(w, http.StatusConflict, "console_conflict", p)
}
