// Package edge holds what all handlers share: the client of a request, cookies, form tokens,
// limits and headers. It makes no decision about users.
package edge

import (
	"net/http"
	"net/netip"
	"strings"

	"countersign"
	"countersign/internal/secret"
)

// A Guard reads cookies, form tokens and the client of a request, and sets cookies.
type Guard struct {
	Trusted []netip.Prefix // proxies whose X-Forwarded-For is trusted; none by default
	Secure  bool           // the public URL is https: cookies are __Host- and Secure
	Key     secret.Key     // for form tokens
}

// Client returns what the request says about its device.
func (g Guard) Client(r *http.Request) countersign.Client {
	browser, os, product := Families(r.UserAgent(), r.Header.Get("Sec-CH-UA-Platform"))
	return countersign.Client{IP: g.address(r), Browser: browser, OS: os, Product: product}
}

// address returns the peer's address; behind a trusted proxy, the right-most hop that is no
// trusted proxy. An unreadable address is invalid and matches nothing (DV-04).
func (g Guard) address(r *http.Request) netip.Addr {
	from := parseAddress(r.RemoteAddr)
	peer := countersign.CanonicalAddress(from)
	if !g.trusts(from) {
		return peer
	}
	forwarded := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	if strings.TrimSpace(forwarded) == "" {
		return peer
	}
	hops := strings.Split(forwarded, ",")
	var ip netip.Addr
	for i := len(hops) - 1; i >= 0; i-- {
		ip = parseAddress(strings.TrimSpace(hops[i]))
		if !ip.IsValid() || !g.trusts(ip) {
			break
		}
	}
	return countersign.CanonicalAddress(ip)
}

// trusts reports whether an address, as it was written, is a trusted proxy's.
func (g Guard) trusts(ip netip.Addr) bool {
	if !ip.IsValid() || countersign.Borrowed(ip) {
		return false
	}
	for _, p := range g.Trusted {
		p, err := countersign.CanonicalNetwork(p)
		if err == nil && p.Contains(countersign.CanonicalAddress(ip)) {
			return true
		}
	}
	return false
}

// hop parses an address and returns the one to compare for it (DV-09).
func hop(text string) netip.Addr { return countersign.CanonicalAddress(parseAddress(text)) }

// parseAddress parses an address with or without port and brackets.
func parseAddress(text string) netip.Addr {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr()
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return ip
}
