package edge

import "net/http"

// SameOrigin refuses forms that a page of another origin sends (WB-01), by what
// the browser says about it. A browser may say nothing: older ones send Origin
// null from a page that names no referrer, and gateways take Sec-Fetch headers
// away. Then the form token alone proves the page, and its check is the
// handler's, as for every form.
func SameOrigin(next http.Handler, denied http.HandlerFunc) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(denied)
	h := guard.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") == "null" && r.Header.Get("Sec-Fetch-Site") == "" {
			silent := *r
			silent.Header = r.Header.Clone()
			silent.Header.Del("Origin")
			r = &silent
		}
		h.ServeHTTP(w, r)
	})
}
