package apptest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// oddValues are what people, mail programs and scanners put into query parameters.
var oddValues = []string{"", "0", "-1", "99999999999999999999999", "1e9", "x", "%00", "%ff", "%zz", "%0d%0aSet-Cookie:%20a=b", "//evil.example", `/\evil.example`, "%2f%2fevil.example",
	"https://evil.example", "javascript:alert(1)", "<script>", "'%20OR%201=1--", "%25%5f", "{{.}}", "2026-13-45", "Ä", strings.Repeat("9", 4000), strings.Repeat("%E2%80%AE", 300)}

// oddFields are the parameters that a page may read, and some that no page reads.
var oddFields = []string{"after", "before", "change", "device", "done", "edit", "kind", "method", "notice", "order", "passkey", "q", "right", "saved", "sent", "since", "sort",
	"state", "then", "to", "until", "user_id", "v", "utm_source", "a[]", "__proto__", strings.Repeat("n", 65)}

// No opened page answers as to a form, fails, or leads to another origin, whatever its query
// contains: without a session, and as an administrator.
func TestNoPageIsRefusedAsAForm(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Unwatch()
		h.User("BSMITH")
		h.Administrator()
		in := h.Browser("192.0.2.10", Chrome)
		in.Enroll("ADMIN")
		guest := h.Browser("192.0.2.20", Chrome)
		guest.Get("/sign-in")
		pages := 0
		for _, r := range h.Routes {
			path, ok := strings.CutPrefix(r.Pattern, "GET ")
			if !ok || strings.HasPrefix(path, "/static/") {
				continue
			}
			path = strings.NewReplacer("{$}", "", "{id}", "BSMITH", "{kind}", "token", "{file}", "x", "{name}", "x").Replace(path)
			pages++
			for i, name := range oddFields {
				for j, value := range oddValues {
					if (i+j+pages)%len(oddValues) > 0 && (name != "then" || path != "/sign-in" && path != "/set-up/more") {
						continue // one of them for each parameter of each page
					}
					openOdd(t, in, path+"?"+name+"="+value)
				}
			}
			for _, b := range []*Browser{in, guest} {
				openOdd(t, b, path+"?"+strings.Repeat("x=1&", 300))
				openOdd(t, b, path+"?a;b=c&%zz&=&&"+strings.Repeat("n", 65)+"=1")
			}
		}
		if pages < 30 {
			t.Errorf("only %d pages", pages)
		}
	})
}

// openOdd opens a page and checks its answer.
func openOdd(t *testing.T, b *Browser, address string) {
	t.Helper()
	p := b.Do("GET", address, nil)
	switch p.Status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		t.Errorf("%.100s answers as to a form: %d", address, p.Status)
	}
	if p.Status >= 500 {
		t.Errorf("%.100s fails: %d", address, p.Status)
	}
	for name := range p.Header {
		if name == "Location" && !harmlessPath(p.Location) {
			u, err := url.Parse(p.Location)
			if err != nil || u.Host != "" || !harmlessPath(u.EscapedPath()) {
				t.Errorf("%.100s leads to %q", address, p.Location)
			}
		}
	}
}
