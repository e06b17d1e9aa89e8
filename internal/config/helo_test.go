package config

import "testing"

// The greeting name for mail servers is the setting, otherwise the host of the public URL.
// What is not a name is refused.
func TestHelo(t *testing.T) {
	for _, c := range []struct{ helo, public, want string }{
		{"", "", ""}, {"", "https://login.acme.example:8443", "login.acme.example"}, {"", "http://localhost:8080", "localhost"},
		{"mail.acme.example", "https://login.acme.example", "mail.acme.example"}, {"mail.acme.example.", "", "mail.acme.example"},
		{"192.0.2.7", "", "192.0.2.7"}, {"[192.0.2.7]", "", "192.0.2.7"}, {"2001:db8::7", "", "2001:db8::7"}, {"MAIL.bücher.example", "", "mail.xn--bcher-kva.example"},
	} {
		s := Settings{SMTPHelo: c.helo, PublicURL: c.public}
		if got, err := s.Helo(); err != nil || got != c.want {
			t.Errorf("%q, %q: got %q, %v", c.helo, c.public, got, err)
		}
	}
	for _, bad := range []string{"mail acme", "mail.acme.example\r\nMAIL FROM:<x>", "<>", "-", "a..b"} {
		s := Settings{SMTPHelo: bad}
		if got, err := s.Helo(); err == nil {
			t.Errorf("%q is taken as %q", bad, got)
		}
	}
}
