package web

import (
	"net/http"
	"net/url"
)

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
