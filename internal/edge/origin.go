package edge

import "net/http"

// SameOrigin refuses forms that a page of another origin sends (WB-01), by what the browser
// says about the origin. A browser may say nothing: older ones send Origin null from a page
// without a referrer, and gateways remove Sec-Fetch headers. Then only the form token proves
// the origin, and the handler checks it as for every form.
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
