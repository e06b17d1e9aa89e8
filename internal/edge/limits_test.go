package edge

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// post sends a form through Limits and returns the status with which it is refused; 0 if it is
// accepted.
func post(form url.Values) (status int) {
	r := httptest.NewRequest(http.MethodPost, "/x", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	Limits(next, func(_ http.ResponseWriter, _ *http.Request, s int) { status = s }).ServeHTTP(httptest.NewRecorder(), r)
	return status
}

// TH-07, WB-06: each field of a form is limited, whatever its name, before a handler sees it.
func TestEachFieldIsBound(t *testing.T) {
	t.Parallel()
	for name, most := range map[string]int{"user_id": 8 << 10, "password": 8 << 10, "then": 8 << 10, "no_such_field": 8 << 10, "body": 64 << 10, "credential": 64 << 10} {
		if s := post(url.Values{name: {strings.Repeat("a", most)}}); s != 0 {
			t.Errorf("%s of %d bytes: %d", name, most, s)
		}
		if s := post(url.Values{name: {"", strings.Repeat("a", most+1)}}); s != http.StatusRequestEntityTooLarge && s != http.StatusBadRequest {
			t.Errorf("%s of %d bytes: %d", name, most+1, s)
		}
	}
	if s := post(url.Values{strings.Repeat("n", 65): {"a"}}); s != http.StatusRequestEntityTooLarge {
		t.Errorf("a long name: %d", s)
	}
}

// open opens an address through Limits. It returns the status with which it is refused, where
// it redirects, and the query that a handler sees.
func open(path, query string) (status int, to string, seen url.Values) {
	u := &url.URL{Path: path, RawQuery: query}
	r := &http.Request{Method: http.MethodGet, URL: u, RequestURI: u.RequestURI(), Header: http.Header{}, Body: http.NoBody}
	next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen, _ = url.ParseQuery(r.URL.RawQuery) })
	w := httptest.NewRecorder()
	Limits(next, func(_ http.ResponseWriter, _ *http.Request, s int) { status = s }).ServeHTTP(w, r)
	return status, w.Header().Get("Location"), seen
}

// A page opens whatever its address contains. What is too much is dropped, and the answer is
// never that of a rejected form.
func TestWhatAnAddressHasTooMuchIsLeftOut(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"a long name":      "q=smith&" + strings.Repeat("n", 65) + "=a",
		"many fields":      "q=smith" + strings.Repeat("&x=1", 300),
		"many empty ones":  "q=smith" + strings.Repeat("&", 4000),
		"a semicolon":      "q=smith&a;b=1",
		"a broken percent": "q=smith&a=%zz",
		"NUL":              "q=smith&a=%00",
		"broken text":      "q=smith&%ff%fe=1",
		"a name as list":   "q=smith&a[]=1&a[b][c]=2",
	} {
		status, to, seen := open("/admin/users", query)
		n := 0
		for _, values := range seen {
			n += len(values)
		}
		if status != 0 || to != "" || seen.Get("q") != "smith" || n > maxFields {
			t.Errorf("%s: %d, leads to %q, %d fields, q is %q", name, status, to, n, seen.Get("q"))
		}
	}
}

// Fields that belong in a body are removed from the address bar, whatever the path. If the
// rest would lead to another origin, the browser goes to the start page.
func TestASecretLeavesEveryAddress(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/sign-in": "/sign-in?q=1", "/a/../..//b": "/b?q=1", "//evil.example": "/", "///evil.example/a": "/",
		`/\evil.example`: "/", "/\t/evil.example": "/", "": "/", "/" + strings.Repeat("a", maxURL): "/",
	} {
		for _, name := range bodyOnly {
			if _, to, _ := open(path, "q=1&"+name+"=344078"); to != want {
				t.Errorf("%.40q with %s leads to %.40q, want %q", path, name, to, want)
			}
		}
	}
}

// FuzzOpen opens any address: it is never refused like a form, leads to no other origin, and
// keeps no secret.
func FuzzOpen(f *testing.F) {
	for _, path := range []string{"/sign-in", "//evil.example", `/\evil.example`, "/%2f/evil.example", "/\x00", "/\xff", "/a b", "*", ""} {
		for _, query := range []string{"", "token=1", "a;token=1", "%74oken=1&b", "a=%zz&x", "&&&=", "=1", "?token=1"} {
			f.Add(path, query)
		}
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		status, to, seen := open(path, query)
		if status != 0 && status != http.StatusNotFound && status != http.StatusRequestURITooLong {
			t.Errorf("%q?%q is refused with %d", path, query, status)
		}
		if to != "" {
			u, err := url.Parse(to)
			if err != nil || u.Host != "" || u.Scheme != "" || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`) || !strings.HasPrefix(to, "/") {
				t.Errorf("%q?%q leads to %q", path, query, to)
			}
		}
		for _, name := range bodyOnly {
			if status == 0 && to == "" && seen.Has(name) {
				t.Errorf("%q?%q keeps %s", path, query, name)
			}
		}
	})
}
