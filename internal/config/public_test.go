package config

import "testing"

// An internationalized public URL is stored as browsers send it; one without a valid host
// name is refused.
func TestInternationalPublicURL(t *testing.T) {
	for typed, want := range map[string]string{
		"https://login.münchen.example":        "https://login.xn--mnchen-3ya.example",
		"https://LOGIN.MÜNCHEN.example:8443/":  "https://login.xn--mnchen-3ya.example:8443",
		"https://login.xn--mnchen-3ya.example": "https://login.xn--mnchen-3ya.example",
		"http://localhost:8080":                "http://localhost:8080",
		"https://login.acme.example.":          "https://login.acme.example",
		"https://login.acme.example.:8443":     "https://login.acme.example:8443",
		"https://login.acme.example..":         "",
		"http://[::1]:8080":                    "http://[::1]:8080",
		"https://ex\u200bample.com":            "https://example.com",
		"https://münchen..example":             "",
		"https://m\u202eünchen.example":        "",
		"https://xn--mnchen-3ya.example/path":  "",
		"https://m%C3%BCnchen.example":         "https://xn--mnchen-3ya.example",
	} {
		s := Settings{PublicURL: typed}
		u, err := s.Public()
		if want == "" {
			if err == nil {
				t.Errorf("%q was taken as %s", typed, u)
			}
			continue
		}
		if err != nil || u.String() != want {
			t.Errorf("%q: %v %v, want %s", typed, u, err, want)
		}
	}
}
