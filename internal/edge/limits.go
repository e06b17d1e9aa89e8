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
	slowest       = 16 << 10         // bytes per second, of a large one
)

// longFields are the fields that may be longer than others, with their limits in bytes.
var longFields = map[string]int{"body": 64 << 10, "was_body": 64 << 10, "credential": 64 << 10, "passkey": 64 << 10}

// repeatable are the fields that a form may contain more than once.
var repeatable = []string{"right", "group", "forget_device"}

// Limits refuses what our pages never send: other methods, long addresses, large bodies, many
// fields, repeated fields, secrets in the address. It parses forms; handlers read only
// r.PostForm. refused writes the answer for a status.
func Limits(next http.Handler, refused func(http.ResponseWriter, *http.Request, int)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if opensPage(r) {
			r.URL.RawQuery = escapeQuery(r.URL.RawQuery)
		}
		if clean, found := withoutSecrets(r); found {
			http.Redirect(w, r, clean, http.StatusSeeOther)
			return
		}
		if status := checkRequest(w, r); status != 0 {
			if status == http.StatusMethodNotAllowed {
				w.Header().Set("Allow", "GET, HEAD, POST")
			}
			refused(w, r, status)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checkRequest returns the status of a refused request; 0 if it is accepted.
func checkRequest(w http.ResponseWriter, r *http.Request) int {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return checkAddress(r)
	case http.MethodPost:
	default:
		return http.StatusMethodNotAllowed
	}
	if status := checkAddress(r); status != 0 {
		return status
	}
	if r.ContentLength > maxBody {
		return http.StatusRequestEntityTooLarge
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(bodyTime(r.ContentLength))) // fails in tests without a server
	if err := r.ParseForm(); err != nil {
		return parseStatus(err)
	}
	_ = connection.SetReadDeadline(time.Time{}) // the form is read: don't disconnect a client that waits for the answer
	if hasRepeated(r) {
		return http.StatusBadRequest
	}
	return checkFields(r.PostForm)
}

// bodyTime returns how long a form may take to arrive: a fixed time, plus what a slow
// connection needs for its length. It is less than the server's timeout for a request, so that
// an answer can still be sent.
func bodyTime(length int64) time.Duration {
	return leastBodyTime + time.Duration(max(length, 0))*time.Second/slowest
}

// hasRepeated reports whether a field is repeated that may not be. Reports of gateways are not our
// forms.
func hasRepeated(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, "/receipts/") {
		return false
	}
	for name, values := range r.PostForm {
		if len(values) > 1 && !slices.Contains(repeatable, name) {
			return true
		}
	}
	return false
}

// parseStatus returns the status for a form that can't be parsed: too slow, too large, too many
// fields for the library, or not a form.
func parseStatus(err error) int {
	var large *http.MaxBytesError
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return http.StatusRequestTimeout
	}
	if errors.As(err, &large) || strings.Contains(err.Error(), "exceeded limit") {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// bodyOnly are the fields that must not be in an address.
var bodyOnly = []string{"password", "token", "form_token", "new_password", "recovery_code", "enrolment_code", "credential"}

// withoutSecrets returns the address of an opened page without the fields that belong in a
// body, and whether it had any. They must not stay in the address bar.
func withoutSecrets(r *http.Request) (string, bool) {
	if !opensPage(r) {
		return "", false
	}
	query, found := r.URL.Query(), false
	for _, name := range bodyOnly {
		found = found || query.Has(name)
		query.Del(name)
	}
	if !isOwnPath(r.URL.Path) || len(r.RequestURI) > maxURL {
		return "/", found // not a page of ours, or another origin to a browser
	}
	return (&url.URL{Path: r.URL.Path, RawQuery: query.Encode()}).String(), found
}

// isOwnPath reports whether a decoded path stays on this origin when a browser gets it as an
// address.
func isOwnPath(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && !strings.ContainsFunc(path, func(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f })
}

// escapeQuery encodes what would break a field of a query: a semicolon, or a percent sign without
// two hex digits, as mail programs add to links.
func escapeQuery(query string) string {
	var all strings.Builder
	for i := range len(query) {
		switch {
		case query[i] == ';':
			all.WriteString("%3B")
		case query[i] == '%' && (i+2 >= len(query) || !isHex(query[i+1]) || !isHex(query[i+2])):
			all.WriteString("%25")
		default:
			all.WriteByte(query[i])
		}
	}
	return all.String()
}

func isHex(b byte) bool { return '0' <= b && b <= '9' || 'a' <= b|0x20 && b|0x20 <= 'f' }

// opensPage reports whether a request opens a page.
func opensPage(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}

// checkAddress refuses an address that is too long or, for a form, has too many fields or fields
// that belong in a body. For an opened page it drops what mail programs, trackers and people
// add to the address.
func checkAddress(r *http.Request) int {
	if len(r.RequestURI) > maxURL {
		return http.StatusRequestURITooLong
	}
	if opensPage(r) {
		if !isText(r.URL.Path) {
			return http.StatusNotFound
		}
		r.URL.RawQuery = cleanQuery(r.URL.RawQuery)
		return 0
	}
	if !isText(r.URL.Path) {
		return http.StatusBadRequest
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return http.StatusBadRequest
	}
	for _, name := range bodyOnly {
		if query.Has(name) {
			return http.StatusBadRequest
		}
	}
	return checkFields(query)
}

// cleanQuery drops from the query what can't be parsed, fields with a long name or value, and
// everything after the first maxFields.
func cleanQuery(query string) string {
	kept := make([]string, 0, maxFields)
	for field := range strings.SplitSeq(query, "&") {
		if len(kept) == maxFields {
			break
		}
		if one, err := url.ParseQuery(field); err == nil && checkFields(one) == 0 && field != "" {
			kept = append(kept, field)
		}
	}
	return strings.Join(kept, "&")
}

func checkFields(form url.Values) int {
	n := 0
	for name, values := range form {
		n += len(values)
		most := max(maxFieldSize, longFields[name])
		if len(name) > maxNameLength || slices.ContainsFunc(values, func(v string) bool { return len(v) > most }) {
			return http.StatusRequestEntityTooLarge
		}
		if !isText(name) || slices.ContainsFunc(values, func(v string) bool { return !isText(v) }) {
			return http.StatusBadRequest
		}
	}
	if n > maxFields {
		return http.StatusRequestEntityTooLarge
	}
	return 0
}

// isText reports whether a value is valid text: no database accepts NUL or invalid UTF-8.
func isText(value string) bool {
	return utf8.ValidString(value) && !strings.ContainsRune(value, 0)
}
