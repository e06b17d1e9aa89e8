package web

import (
	"net/http"
	"net/url"
)

// A sorting is the column and direction that a table is sorted by.
type sorting struct {
	Sort       string
	Descending bool
	query      url.Values
}

// sortOf reads the sorting from the request's query.
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

// Link returns the address that sorts by a column, in the other direction if the table is sorted by
// it already.
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

// Aria returns the aria-sort value of a column, or "" if the table is not sorted by it.
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
