package door

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// The limits of a request (WB-06).
const (
	longestURL  = 8 << 10   // bytes
	largestBody = 256 << 10 // bytes
	mostFields  = 200
)

// several are the fields that a form may hold more than once: every other one
// comes once, or the form is refused.
var several = []string{"right", "group", "forget_device"}

// Limits refuses what no page of ours sends: other methods, long addresses,
// large bodies, many fields, fields twice, secrets in the address. Forms are
// parsed here; handlers read r.PostForm only. refused answers in words.
func Limits(next http.Handler, refused func(http.ResponseWriter, *http.Request, int)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := refusal(w, r); status != 0 {
			if status == http.StatusMethodNotAllowed {
				w.Header().Set("Allow", "GET, HEAD, POST")
			}
			refused(w, r, status)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// refusal is the status of a request that is refused; 0 if it may go on.
func refusal(w http.ResponseWriter, r *http.Request) int {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return address(r)
	case http.MethodPost:
	default:
		return http.StatusMethodNotAllowed
	}
	if status := address(r); status != 0 {
		return status
	}
	if r.ContentLength > largestBody {
		return http.StatusRequestEntityTooLarge
	}
	r.Body = http.MaxBytesReader(w, r.Body, largestBody)
	if err := r.ParseForm(); err != nil {
		return unreadable(err)
	}
	if twice(r) {
		return http.StatusBadRequest
	}
	return count(r.PostForm)
}

// twice reports whether a field comes more than once that may not. What gateways
// report is none of our forms.
func twice(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, "/receipts/") {
		return false
	}
	for name, values := range r.PostForm {
		if len(values) > 1 && !slices.Contains(several, name) {
			return true
		}
	}
	return false
}

// unreadable is the status for a form that can't be parsed: too large, too many
// fields for the library, or not a form.
func unreadable(err error) int {
	var large *http.MaxBytesError
	if errors.As(err, &large) || strings.Contains(err.Error(), "exceeded limit") {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// address refuses an address that is too long, has too many fields, or holds
// what belongs into a body.
func address(r *http.Request) int {
	if len(r.RequestURI) > longestURL {
		return http.StatusRequestURITooLong
	}
	if !text(r.URL.Path) {
		return http.StatusBadRequest
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return http.StatusBadRequest
	}
	for _, name := range []string{"password", "token", "form_token", "new_password"} {
		if query.Has(name) {
			return http.StatusBadRequest
		}
	}
	return count(query)
}

func count(form url.Values) int {
	n := 0
	for name, values := range form {
		n += len(values)
		if !text(name) || slices.ContainsFunc(values, func(v string) bool { return !text(v) }) {
			return http.StatusBadRequest
		}
	}
	if n > mostFields {
		return http.StatusRequestEntityTooLarge
	}
	return 0
}

// text tells whether a value is text at all: no database takes NUL or broken UTF-8.
func text(value string) bool {
	return utf8.ValidString(value) && !strings.ContainsRune(value, 0)
}
