package apptest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TN-03: whatever a request waits for when its time is over, the answer asks to try again, and is
// never an internal error.
func TestARequestWhoseTimeIsOver(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		in, out := h.Browser("192.0.2.10", Chrome), h.Browser("192.0.2.20", Chrome)
		in.Enroll("ADMIN")
		out.Get("/sign-in")
		late := 0
		for _, r := range h.Routes {
			method, _, _ := strings.Cut(r.Pattern, " ")
			for _, b := range []*Browser{in, out} {
				p := b.late(method, place(r, "ADMIN"), form(r, b.page.FormToken()))
				switch {
				case p.Status == http.StatusServiceUnavailable:
					late++
					if p.Header.Get("Retry-After") == "" || !p.Says("took too long", "before you try again") {
						t.Errorf("%s: %v %s", r.Pattern, p.Header, p.Text())
					}
				case p.Status >= 500:
					t.Errorf("%s is answered %d: %s", r.Pattern, p.Status, p.Text())
				}
			}
		}
		if late < 100 {
			t.Errorf("%d requests were late, which can't be all", late)
		}
	})
}

// late sends a request whose time is over already.
func (b *Browser) late(method, path string, form url.Values) *Page {
	ctx, cancel := context.WithTimeout(context.Background(), -1)
	defer cancel()
	if method != "POST" {
		method, form = "GET", nil
	}
	r := httptest.NewRequestWithContext(ctx, method, publicURL+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", b.Agent)
	r.RemoteAddr = b.IP + ":40000"
	target, _ := url.Parse(publicURL)
	for _, c := range b.jar.Cookies(target) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.House.Door.ServeHTTP(w, r)
	return &Page{Browser: b, Path: path, Status: w.Code, Header: w.Result().Header, Body: w.Body.String()}
}
