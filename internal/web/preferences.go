package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/authn"
)

// A preferencesPage is the table of System Preferences (M3).
type preferencesPage struct {
	base
	Rows     []preferenceRow
	All      int
	Query    string
	Steps    *admin.FirstSteps // what to do in a new agency; nil: nothing
	SendTest bool              // the refused change needs a test mail first
	sorting
}

// A preferenceRow is one row of the table. The open row is a form.
type preferenceRow struct {
	admin.Row
	Heading     string // of the group that begins with this row; empty: none does
	Open        bool
	Typed       string
	Reason      string
	EndSessions bool // was checked on the previous page
	Version     int64
}

// Switch reports whether the row takes On or Off.
func (r preferenceRow) Switch() bool { return r.Preference.Kind == countersign.PreferenceSwitch }

// Choices returns the values of a list, if the row has one.
func (r preferenceRow) Choices() []string {
	switch r.Preference.Kind {
	case countersign.PreferenceSwitch:
		return []string{"On", "Off"}
	case countersign.PreferenceChoice:
		return r.Preference.Values
	default:
		return nil
	}
}

// Label returns the label of the field in the open row.
func (r preferenceRow) Label() string {
	if r.Preference.Kind == countersign.PreferenceDays {
		return "Days"
	}
	return "Value"
}

// Range says which numbers the field takes. It is empty if it takes none.
func (r preferenceRow) Range() string {
	p := r.Preference
	if p.Kind != countersign.PreferenceDays && p.Kind != countersign.PreferenceNumber {
		return ""
	}
	return fmt.Sprintf("%d to %d. Empty: %s.", p.Min, p.Max, cmp.Or(p.Default, p.Empty, "not set"))
}

// Described returns the IDs of the elements that explain the field.
func (r preferenceRow) Described(wrong string) string {
	var parts []string
	if r.Preference.Hint != "" {
		parts = append(parts, "value-about")
	}
	if r.Range() != "" {
		parts = append(parts, "value-hint")
	}
	if wrong != "" {
		parts = append(parts, "value-error")
	}
	return strings.Join(parts, " ")
}

// NeedsReason reports whether the form asks for a reason: 2FA is On and may be turned Off.
func (r preferenceRow) NeedsReason() bool {
	return r.Preference.Code == countersign.PrefTwoFactor && r.Setting.Value == "On"
}

func (s *Server) getPreferences(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
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

func (s *Server) preferences(r *http.Request, v countersign.Visit, g authn.Principal) (preferencesPage, error) {
	p := preferencesPage{base: s.console(v, g, "System Preferences", "admin-system"), sorting: sortOf(r, ""), Query: r.URL.Query().Get("q")}
	rows, err := s.Admin.Preferences(r.Context(), v, g.Actor())
	if err != nil {
		return p, err
	}
	if p.Steps, err = s.Admin.FirstSteps(r.Context(), v, g.Actor()); err != nil {
		return p, err
	}
	p.All = len(rows)
	for _, row := range rows {
		if p.Query == "" || strings.Contains(strings.ToLower(row.Preference.Name+" "+row.Preference.Code), strings.ToLower(p.Query)) {
			p.Rows = append(p.Rows, preferenceRow{Row: row, Version: row.Setting.Version, Typed: row.Setting.Value})
		}
	}
	p.order()
	return p, nil
}

// order sorts the rows by a column. Without one they keep the order of the registry, which begins
// with the two of the TechNote.
func (p *preferencesPage) order() {
	compare := map[string]func(a, b preferenceRow) int{
		"name": func(a, b preferenceRow) int {
			return cmp.Compare(strings.ToLower(a.Preference.Name), strings.ToLower(b.Preference.Name))
		},
		"code":  func(a, b preferenceRow) int { return cmp.Compare(a.Preference.Code, b.Preference.Code) },
		"value": func(a, b preferenceRow) int { return byValue(strings.ToLower(a.Shown()), strings.ToLower(b.Shown())) },
	}[p.Sort]
	if compare == nil {
		p.Sort = ""
		p.head()
		return
	}
	slices.SortStableFunc(p.Rows, func(a, b preferenceRow) int {
		order := compare(a, b)
		if p.Descending {
			return -order
		}
		return order
	})
}

// head puts a heading above the first row of each group.
func (p *preferencesPage) head() {
	group := ""
	for i := range p.Rows {
		row := &p.Rows[i]
		own := row.Preference.Group
		if row.Preference.Own {
			own = "From applications"
		}
		if own != group {
			row.Heading, group = own, own
		}
	}
}

// byValue compares numbers by value and puts them before words.
func byValue(a, b string) int {
	first, rest, _ := strings.Cut(a, " ")
	second, other, _ := strings.Cut(b, " ")
	n, errN := strconv.Atoi(first)
	m, errM := strconv.Atoi(second)
	switch {
	case errN == nil && errM == nil:
		return cmp.Or(cmp.Compare(n, m), cmp.Compare(rest, other))
	case errN == nil:
		return -1
	case errM == nil:
		return 1
	default:
		return cmp.Compare(a, b)
	}
}

// open makes one row the form. typed is what was sent, if it was refused.
func (p *preferencesPage) open(code string, typed *admin.PreferenceChange) {
	for i := range p.Rows {
		row := &p.Rows[i]
		if !strings.EqualFold(row.Preference.Code, code) {
			continue
		}
		row.Open = true
		if typed != nil {
			row.Typed, row.Reason, row.EndSessions = typed.Value, typed.Reason, typed.EndSessions
		}
	}
}

// longestNoticed is the most characters of a value that the notice after saving repeats. The
// table below it shows longer ones.
const longestNoticed = 60

// savedAlert says what the value of a preference is now.
func (p preferencesPage) savedAlert(code string) *alert {
	for _, row := range p.Rows {
		if row.Preference.Code == code {
			a := &alert{Kind: "done", Role: "status", Head: code + " is set to " + cmp.Or(row.Shown(), "empty") + ".",
				Rest: "It applies at each user's next sign-in."}
			if utf8.RuneCountInString(row.Shown()) > longestNoticed {
				a.Head = code + " is saved."
			}
			if row.Setting.Value == "" && row.Preference.Default == "" && row.Preference.Kind == countersign.PreferenceSwitch {
				a.Head = code + " has no value, which counts as Off."
			}
			if row.Preference.AtOnce {
				a.Rest = "It applies at once."
			}
			return a
		}
	}
	return nil
}

func (s *Server) postPreferences(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	saving := typedSaving(r)
	if r.PostForm.Get("step") == "effect" {
		return s.effect(w, r, v, g, saving, nil)
	}
	row, err := s.Admin.SetPreference(r.Context(), v, g.Actor(), saving)
	if r.PostForm.Get("page") == "effect" && ofReason(err) {
		return s.effect(w, r, v, g, saving, err)
	}
	if err != nil {
		return s.preferenceRefused(w, r, v, g, saving, err)
	}
	http.Redirect(w, r, "/admin/system/preferences"+query("saved", row.Preference.Code), http.StatusSeeOther)
	return nil
}

// typedSaving reads the form of a row.
func typedSaving(r *http.Request) admin.PreferenceChange {
	f := r.PostForm
	saving := admin.PreferenceChange{Code: f.Get("code"), Value: f.Get("value"), Version: admin.AnyVersion, Reason: f.Get("reason"), EndSessions: f.Get("end_sessions") == "yes"}
	if version, err := strconv.ParseInt(f.Get("version"), 10, 64); err == nil {
		saving.Version = version
	}
	return saving
}

// preferenceRefused shows the table again with the row open, what was typed, and the error.
func (s *Server) preferenceRefused(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal, saving admin.PreferenceChange, refused error) error {
	kind := countersign.KindOf(refused)
	if kind != countersign.KindInvalid && kind != countersign.KindConflict {
		return refused
	}
	p, err := s.preferences(r, v, g)
	if err != nil {
		return err
	}
	if kind == countersign.KindConflict {
		return s.conflict(w, r, p, saving)
	}
	p.refuse(refused)
	p.SendTest = countersign.CodeOf(refused) == "preference.mail_unproved"
	p.open(saving.Code, &saving)
	return s.show(w, http.StatusUnprocessableEntity, "console_preferences", p)
}

// ofReason reports whether only the reason was refused. The page that asks for it is then shown
// again.
func ofReason(err error) bool {
	all := countersign.Problems(err)
	return len(all) == 1 && all[0].Field == "reason"
}
