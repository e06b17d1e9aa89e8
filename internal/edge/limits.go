package edge

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The limits of a request (WB-06).
const (
	maxURL        = 8 << 10   // bytes
	maxBody       = 256 << 10 // bytes
	maxFields     = 200
	maxNameLength = 64      // bytes of a field's name
	maxFieldSize  = 8 << 10 // bytes of a field

	leastBodyTime = 10 * time.Second // for any form
	slowest       = 16 << 10         // bytes in a second, of a large one
)

// wide are the fields that may hold more than others: what is written there is long.
var wide = map[string]int{"body": 64 << 10, "was_body": 64 << 10, "credential": 64 << 10, "passkey": 64 << 10}

// several are the fields that a form may hold more than once: every other one
// comes once, or the form is refused.
var several = []string{"right", "group", "forget_device"}

// Limits refuses what no page of ours sends: other methods, long addresses,
// large bodies, many fields, fields twice, secrets in the address. Forms are
// parsed here; handlers read r.PostForm only. refused answers in words.
func Limits(next http.Handler, refused func(http.ResponseWriter, *http.Request, int)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if opens(r) {
			r.URL.RawQuery = escaped(r.URL.RawQuery)
		}
		if clean, found := withoutSecrets(r); found {
			http.Redirect(w, r, clean, http.StatusSeeOther)
			return
		}
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
	if r.ContentLength > maxBody {
		return http.StatusRequestEntityTooLarge
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(bodyTime(r.ContentLength))) // not to be had in tests without a server
	if err := r.ParseForm(); err != nil {
		return unreadable(err)
	}
	_ = connection.SetReadDeadline(time.Time{}) // it is read: who waits for the answer is not hung up on
	if twice(r) {
		return http.StatusBadRequest
	}
	return count(r.PostForm)
}

// bodyTime is how long a form may take to arrive: some seconds, and what a slow
// connection needs for its length. It is less than the server's time for a request,
// so that an answer can still be sent.
func bodyTime(length int64) time.Duration {
	return leastBodyTime + time.Duration(max(length, 0))*time.Second/slowest
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

// unreadable is the status for a form that can't be parsed: too slow, too large, too
// many fields for the library, or not a form.
func unreadable(err error) int {
	var large *http.MaxBytesError
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return http.StatusRequestTimeout
	}
	if errors.As(err, &large) || strings.Contains(err.Error(), "exceeded limit") {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// inBody are the fields that no address may hold.
var inBody = []string{"password", "token", "form_token", "new_password", "recovery_code", "enrolment_code", "credential"}

// withoutSecrets is the address of a page that was opened with what belongs into
// a body, without it; false if it has none. It must not stay in the address bar.
func withoutSecrets(r *http.Request) (string, bool) {
	if !opens(r) {
		return "", false
	}
	query, found := r.URL.Query(), false
	for _, name := range inBody {
		found = found || query.Has(name)
		query.Del(name)
	}
	if !own(r.URL.Path) || len(r.RequestURI) > maxURL {
		return "/", found // no page of ours, or another origin to a browser
	}
	return (&url.URL{Path: r.URL.Path, RawQuery: query.Encode()}).String(), found
}

// own reports whether a path, as it is decoded, stays on this origin when it is
// sent to a browser as an address.
func own(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && !strings.ContainsFunc(path, func(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f })
}

// escaped is a query in which what breaks a field is part of it: a semicolon, or
// a percent sign without its two digits, as mail programs leave them behind a link.
func escaped(query string) string {
	var all strings.Builder
	for i := range len(query) {
		switch {
		case query[i] == ';':
			all.WriteString("%3B")
		case query[i] == '%' && (i+2 >= len(query) || !hex(query[i+1]) || !hex(query[i+2])):
			all.WriteString("%25")
		default:
			all.WriteByte(query[i])
		}
	}
	return all.String()
}

func hex(b byte) bool { return '0' <= b && b <= '9' || 'a' <= b|0x20 && b|0x20 <= 'f' }

// opens reports whether a request opens a page.
func opens(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// address refuses an address that is too long, and that of a form with too many
// fields, or with what belongs into a body. What mail programs, trackers and people
// add to the address of a page that is opened is left out.
func address(r *http.Request) int {
	if len(r.RequestURI) > maxURL {
		return http.StatusRequestURITooLong
	}
	if opens(r) {
		if !text(r.URL.Path) {
			return http.StatusNotFound
		}
		r.URL.RawQuery = tidy(r.URL.RawQuery)
		return 0
	}
	if !text(r.URL.Path) {
		return http.StatusBadRequest
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return http.StatusBadRequest
	}
	for _, name := range inBody {
		if query.Has(name) {
			return http.StatusBadRequest
		}
	}
	return count(query)
}

// tidy leaves out of the query what can't be read, fields with a long name or
// value, and all beyond the first mostFields.
func tidy(query string) string {
	kept := make([]string, 0, maxFields)
	for field := range strings.SplitSeq(query, "&") {
		if len(kept) == maxFields {
			break
		}
		if one, err := url.ParseQuery(field); err == nil && count(one) == 0 && field != "" {
			kept = append(kept, field)
		}
	}
	return strings.Join(kept, "&")
}

func count(form url.Values) int {
	n := 0
	for name, values := range form {
		n += len(values)
		most := max(maxFieldSize, wide[name])
		if len(name) > maxNameLength || slices.ContainsFunc(values, func(v string) bool { return len(v) > most }) {
			return http.StatusRequestEntityTooLarge
		}
		if !text(name) || slices.ContainsFunc(values, func(v string) bool { return !text(v) }) {
			return http.StatusBadRequest
		}
	}
	if n > maxFields {
		return http.StatusRequestEntityTooLarge
	}
	return 0
}

// text tells whether a value is text at all: no database takes NUL or broken UTF-8.
func text(value string) bool {
	return utf8.ValidString(value) && !strings.ContainsRune(value, 0)
}
