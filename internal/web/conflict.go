package web

import (
	"net/http"
	"slices"
	"strings"

	"countersign"
	"countersign/internal/admin"
)

// A conflictPage shows three values side by side: the one the form was opened with, the one saved
// since, and the one typed.
type conflictPage struct {
	base
	Row   admin.Row
	Was   string
	Known bool // whether the form sent the value it was opened with
	By    string
	Mine  admin.PreferenceChange
}

// conflict answers a save that would overwrite a newer one. It overwrites nothing.
func (s *Server) conflict(w http.ResponseWriter, r *http.Request, table preferencesPage, mine admin.PreferenceChange) error {
	i := slices.IndexFunc(table.Rows, func(row preferenceRow) bool { return strings.EqualFold(row.Preference.Code, mine.Code) })
	if i < 0 {
		return &countersign.Error{Kind: countersign.KindNotFound, Code: "preference.unknown", Args: countersign.Args{"Code": mine.Code}}
	}
	p := conflictPage{base: table.base, Row: table.Rows[i].Row, Mine: mine, Was: r.PostForm.Get("was"), Known: r.PostForm.Has("was")}
	p.Title = "Changed by somebody else in the meantime"
	p.By = upperFirst(actorName(p.Row.Setting.By))
	return s.show(w, http.StatusConflict, "console_conflict", p)
}
