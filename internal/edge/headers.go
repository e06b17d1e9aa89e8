package edge

import "net/http"

// A Loads says what a page loads and does, besides its styles and pictures. The zero value is
// for answers with neither scripts nor forms: errors, files, pictures.
type Loads struct {
	Script bool // the script of this origin
	Fetch  bool // the script reads other pages of this origin
	Form   bool // forms that are sent to this origin
	Secret bool // its address may contain a secret, which no other page may learn
	Frames bool // pages of this origin in frames
	Framed bool // a page of this origin shows it in a frame
}

// Allow sets the Content-Security-Policy of an answer: only what it needs, nothing inline,
// nothing from elsewhere, not in a frame unless l says so (WB-02). A page with forms sends its
// referrer to its own origin; otherwise older browsers send Origin null.
func Allow(h http.Header, l Loads) {
	policy := "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; object-src 'none'"
	if l.Framed {
		policy += "; frame-ancestors 'self'"
	} else {
		policy += "; frame-ancestors 'none'"
	}
	if l.Frames {
		policy += "; frame-src 'self'"
	}
	if l.Script {
		policy += "; script-src 'self'"
	}
	if l.Fetch {
		policy += "; connect-src 'self'"
	}
	if l.Form {
		policy += "; form-action 'self'"
	} else {
		policy += "; form-action 'none'"
	}
	h.Set("Content-Security-Policy", policy)
	if l.Form && !l.Secret {
		h.Set("Referrer-Policy", "same-origin")
	}
}

// Headers sets the security headers on every answer, errors included. secure means that the
// public URL is https.
func Headers(next http.Handler, secure bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		Allow(h, Loads{})
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
		h.Set("Cache-Control", "no-store")
		if secure {
			h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}
