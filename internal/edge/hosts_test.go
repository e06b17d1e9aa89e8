package edge

import (
	"net/url"
	"testing"

	"countersign"
)

// A host with the right name and the wrong port is distinguished from an unknown host.
func TestOtherPort(t *testing.T) {
	agencies := []countersign.Agency{{Code: "ACME", Hosts: []string{"login.acme.example"}}, {Code: "MAIN"}}
	for public, hosts := range map[string]map[string]bool{
		"https://login.example:8443": {"login.example": true, "login.example:443": true, "login.acme.example": true, "login.example:9000": true,
			"login.example:8443": false, "evil.example": false, "evil.example:8443": false},
		"https://login.example": {"login.example:8080": true, "login.acme.example:8080": true, "login.example": false, "login.example:443": false, "evil.example:8080": false},
		"http://[::1]:8080":     {"[::1]": true, "localhost": true, "[::1]:8080": false},
	} {
		u, err := url.Parse(public)
		if err != nil {
			t.Fatal(err)
		}
		h := Hosts{Public: u, Agencies: agencies}
		for host, want := range hosts {
			if got := h.OtherPort(host); got != want {
				t.Errorf("%s at %s: %v", host, public, got)
			}
			if _, ok := h.Agency(host); ok && want {
				t.Errorf("%s at %s is an agency's", host, public)
			}
		}
	}
}
