package door

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// post sends a form through Limits and returns the status that it is refused with; 0: it
// is let through.
func post(form url.Values) (status int) {
	r := httptest.NewRequest(http.MethodPost, "/x", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	Limits(next, func(_ http.ResponseWriter, _ *http.Request, s int) { status = s }).ServeHTTP(httptest.NewRecorder(), r)
	return status
}

// TH-07, WB-06: each field of a form is bound by itself, whatever its name, before any
// handler sees it.
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
	r := httptest.NewRequest(http.MethodGet, "/x?"+strings.Repeat("n", 65)+"=a", nil)
	status := 0
	Limits(http.NotFoundHandler(), func(_ http.ResponseWriter, _ *http.Request, s int) { status = s }).ServeHTTP(httptest.NewRecorder(), r)
	if status != http.StatusRequestEntityTooLarge {
		t.Errorf("a long name in the address: %d", status)
	}
}
