package edge

import (
	"net/url"
	"strings"
)

// Then returns path, with its query, if it is a path of the same origin to go to after a
// sign-in. It returns "" for everything that a browser could read as another origin, a script,
// or two lines (WB-04).
func Then(path string) string {
	if len(path) > 2000 || !strings.HasPrefix(path, "/") || !isPlainPath(path) {
		return ""
	}
	once, err := url.PathUnescape(path)
	if err != nil || !isPlainPath(once) {
		return ""
	}
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return ""
	}
	u.Fragment = ""
	return u.RequestURI()
}

// isPlainPath reports whether a path stays on this origin however a browser reads it: no second
// slash or backslash at its start, no control or non-ASCII characters.
func isPlainPath(path string) bool {
	if strings.HasPrefix(path, "//") || strings.Contains(path, `\`) {
		return false
	}
	before, _, _ := strings.Cut(path, "?")
	if strings.Contains(before, "//") || strings.Contains(before, "/..") || strings.Contains(before, "/.") {
		return false
	}
	return !strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}
