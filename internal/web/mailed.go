package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"countersign"
)

// mailedHandle matches the secret of a link and what a mail program may have appended: a period, a
// bracket, a space, but no letter or digit.
var mailedHandle = regexp.MustCompile(`^\s*([A-Za-z0-9_-]{43})(?:[^A-Za-z0-9].*)?$`)

// mailedLink returns the secret of a mailed link that was opened.
func mailedLink(r *http.Request, name string) countersign.Handle {
	values := r.URL.Query()[name]
	for _, value := range values {
		if found := mailedHandle.FindStringSubmatch(strings.ReplaceAll(value, "\n", " ")); found != nil {
			return countersign.Handle(found[1])
		}
	}
	if len(values) > 0 {
		return countersign.Handle(values[0])
	}
	return ""
}

// linkTail holds the characters that mail programs and people leave at the end of a link.
const linkTail = ".,;:!?)]}>'\"*_\u201d\u2019\u00bb\u2026\u200b\u00a0 "

// withoutTail returns the path without punctuation at its end. It reports false if there was none.
func withoutTail(r *http.Request) (string, bool) {
	path := strings.TrimRight(r.URL.Path, linkTail)
	if path == r.URL.Path || path == "" || r.Method != http.MethodGet && r.Method != http.MethodHead ||
		strings.HasPrefix(path, "//") || strings.Contains(path, `\`) {
		return "", false
	}
	return (&url.URL{Path: path, RawQuery: r.URL.RawQuery}).String(), true
}
