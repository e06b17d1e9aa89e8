package config

import (
	"net/url"
	"strings"
	"testing"
)

// The error for a password that a URL can't hold unescaped says how to write it, and does
// not reveal it. A correct URL is accepted.
func TestPasswordsInURLs(t *testing.T) {
	for raw, want := range map[string]string{
		"smtp://user:se#cret@mail.acme.example:587":                "%23",
		"smtp://user:12#cret@mail.acme.example":                    "%23",
		"smtp://user:se/cret@mail.acme.example":                    "%2F",
		"smtp://user:se?cret@mail.acme.example":                    "%3F",
		"smtp://user:se%cret@mail.acme.example":                    "%25",
		"smtp://user:cret%@mail.acme.example":                      "%25",
		"smtp://user:se cret@mail.acme.example":                    "%20",
		"smtp://user:se\"cret@mail.acme.example":                   "%22",
		"smtp://user:sécret@mail.acme.example":                     "%C3%A9",
		"smtp://support@acme.example:12#cret@mail.acme.example":    "%23",
		"postgres://user:se#cret@db.example/countersign":           "%23",
		"vonage://KEY:se?cret@?from=Acme":                          "%3F",
		"twilio://SID:se/cret@?from=+16145550100":                  "%2F",
		"smtp://user:se%23cret@mail.acme.example:587?tls=starttls": "",
		"smtp://support%40acme.example:p@mail.acme.example":        "",
		"smtp://support@acme.example:p@ss@mail.acme.example":       "",
		"smtp://mail.acme.example:25?ca=/etc/ssl/a@b.pem":          "",
		"postgres://user:p@db.example/countersign?options=a@b":     "",
		"webhook+https://gateway.example/a@b?secret=x":             "",
		"sqlite:/data/a@b.db":                                      "",
		"vonage://KEY:SECRET@?from=a@b":                            "",
	} {
		err := CheckURL("--x", raw)
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", raw, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "write it as "+want) || strings.Contains(err.Error(), "cret") {
			t.Errorf("%s: %v, want %s", raw, err, want)
			continue
		}
		if got, _ := url.QueryUnescape(want); !strings.Contains(raw, got) {
			t.Errorf("%s: %s is no sign of it", raw, want)
		}
	}
}

// An @ in the password of a database is named without showing any part of the password.
func TestAnAtInADatabasePassword(t *testing.T) {
	for raw, want := range map[string]bool{
		"postgres://user:p@cret@db.example/countersign":        false,
		"postgresql://us@er:cret@db.example/countersign":       false,
		"postgres://user:p%40cret@db.example/countersign":      true,
		"postgres://user:p@db.example/countersign?options=a@b": true,
	} {
		s := Settings{Database: raw}
		err := s.checkDatabase()
		if (err == nil) != want || err != nil && (strings.Contains(err.Error(), "cret") || !strings.Contains(err.Error(), "%40")) {
			t.Errorf("%s: %v", raw, err)
		}
	}
}
