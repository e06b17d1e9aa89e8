package edge

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func entrance(trusted ...string) Guard {
	var e Guard
	for _, t := range trusted {
		e.Trusted = append(e.Trusted, netip.MustParsePrefix(t))
	}
	return e
}

func request(peer string, forwarded ...string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = peer
	for _, f := range forwarded {
		r.Header.Add("X-Forwarded-For", f)
	}
	return r
}

// DV-04: the client is the peer; behind a trusted proxy, the right-most hop that is no trusted
// proxy. An unreadable address is unknown, never skipped.
func TestClientAddress(t *testing.T) {
	proxies := []string{"10.0.0.0/8", "2001:db8:1::/48"}
	tests := []struct {
		name      string
		trusted   []string
		peer      string
		forwarded []string
		want      string // empty: unknown
	}{
		{"nobody is trusted by default", nil, "10.0.0.1:5000", []string{"192.0.2.7"}, "10.0.0.1"},
		{"a peer that is no proxy says what it likes", proxies, "198.51.100.3:5000", []string{"192.0.2.7"}, "198.51.100.3"},
		{"one proxy", proxies, "10.0.0.1:5000", []string{"192.0.2.7"}, "192.0.2.7"},
		{"the proxy says nothing", proxies, "10.0.0.1:5000", nil, "10.0.0.1"},
		{"an empty header says nothing", proxies, "10.0.0.1:5000", []string{" "}, "10.0.0.1"},
		{"what the visitor wrote stands left of the truth", proxies, "10.0.0.1:5000", []string{"203.0.113.9, 192.0.2.7"}, "192.0.2.7"},
		{"two proxies in a row", proxies, "10.0.0.1:5000", []string{"192.0.2.7, 10.1.1.1"}, "192.0.2.7"},
		{"two headers are one list", proxies, "10.0.0.1:5000", []string{"203.0.113.9", "192.0.2.7"}, "192.0.2.7"},
		{"everybody is a proxy: the first of them", proxies, "10.0.0.1:5000", []string{"10.2.2.2, 10.1.1.1"}, "10.2.2.2"},
		{"with a port", proxies, "10.0.0.1:5000", []string{"192.0.2.7:1234"}, "192.0.2.7"},
		{"IPv6 in brackets with a port", proxies, "[2001:db8:1::1]:5000", []string{"[2001:db8:2::7]:1234"}, "2001:db8:2::7"},
		{"IPv6 in brackets", proxies, "10.0.0.1:5000", []string{"[2001:db8:2::7]"}, "2001:db8:2::7"},
		{"a zone is dropped", proxies, "10.0.0.1:5000", []string{"fe80::1%eth0"}, "fe80::1"},
		{"IPv4 in IPv6 is IPv4", proxies, "[::ffff:10.0.0.1]:5000", []string{"::ffff:192.0.2.7"}, "192.0.2.7"},
		{"a proxy set as IPv4 in IPv6", []string{"::ffff:10.0.0.0/104"}, "10.0.0.1:5000", []string{"192.0.2.7"}, "192.0.2.7"},
		{"no proxy behind NAT64", proxies, "[64:ff9b:1::198.51.100.3]:5000", []string{"192.0.2.7"}, "198.51.100.3"},
		{"a proxy behind the NAT64 of its network", proxies, "[64:ff9b:1::10.0.0.1]:5000", []string{"192.0.2.7"}, "192.0.2.7"},
		{"a client behind NAT64", nil, "[64:ff9b::192.0.2.7]:5000", nil, "192.0.2.7"},
		{"a hop behind NAT64", proxies, "10.0.0.1:5000", []string{"64:ff9b::192.0.2.7"}, "192.0.2.7"},
		{"6to4 and Teredo", proxies, "10.0.0.1:5000", []string{"2001:0:53aa:64c:0:7fff:3fff:fdf8, 2002:c000:207::1"}, "192.0.2.7"},
		{"a proxy's private address that anyone may write is no proxy", proxies, "[2002:a00:1::1]:5000", []string{"192.0.2.7"}, "10.0.0.1"},
		{"garbage at the right end is unknown, not the hop beside it", proxies, "10.0.0.1:5000", []string{"192.0.2.7, unknown"}, ""},
		{"an empty hop is unknown", proxies, "10.0.0.1:5000", []string{"192.0.2.7,"}, ""},
		{"garbage left of the truth does not matter", proxies, "10.0.0.1:5000", []string{"'; DROP TABLE, 192.0.2.7"}, "192.0.2.7"},
		{"garbage behind a proxy is unknown", proxies, "10.0.0.1:5000", []string{"192.0.2.300, 10.1.1.1"}, ""},
		{"a number is no address", proxies, "10.0.0.1:5000", []string{"3221225991"}, ""},
		{"octal is no address", proxies, "10.0.0.1:5000", []string{"0300.0.2.7"}, ""},
		{"a peer that can't be read is unknown", proxies, "@", []string{"192.0.2.7"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := entrance(tt.trusted...).Client(request(tt.peer, tt.forwarded...))
			if want := map[bool]string{true: "unknown", false: tt.want}[tt.want == ""]; got.Address() != want {
				t.Errorf("got %s, want %s", got.Address(), want)
			}
			if tt.want == "" && got.Network() != "" {
				t.Errorf("an unknown address equals the network %s", got.Network())
			}
		})
	}
}

// DV-04: other headers that name a client are ignored.
func TestOtherForwardingHeadersAreIgnored(t *testing.T) {
	r := request("10.0.0.1:5000", "192.0.2.7")
	for _, name := range []string{"Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "X-Forwarded", "Forwarded-For"} {
		r.Header.Set(name, "for=203.0.113.9")
	}
	if got := entrance("10.0.0.0/8").Client(r).Address(); got != "192.0.2.7" {
		t.Errorf("got %s", got)
	}
}

// Whatever the headers say, a client without a trusted proxy is its peer. Behind one the
// result is an address from the header, the proxy's, or unknown.
func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{"192.0.2.7", "203.0.113.9, 192.0.2.7", "[2001:db8::1]:80", "fe80::1%eth0", ", ,", "unknown", "::ffff:10.0.0.1", "10.0.0.1:99999", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, forwarded string) {
		if got := entrance().Client(request("198.51.100.3:5000", forwarded)).Address(); got != "198.51.100.3" {
			t.Errorf("%q from a stranger made the client %s", forwarded, got)
		}
		got := entrance("10.0.0.0/8").Client(request("10.0.0.1:5000", forwarded)).IP
		if !got.IsValid() || got.String() == "10.0.0.1" {
			return
		}
		for _, one := range strings.Split(forwarded, ",") {
			if hop(strings.TrimSpace(one)) == got {
				return
			}
		}
		t.Errorf("%q made the client %s, which does not stand there", forwarded, got)
	})
}
