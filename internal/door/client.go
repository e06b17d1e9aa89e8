// Package door is what all doors share: the facts of a request, cookies, form
// tokens, limits and headers. It decides nothing about people.
package door

import (
	"net/http"
	"net/netip"
	"strings"

	"countersign"
	"countersign/internal/secret"
)

// An Entrance reads what a request says and writes what an answer keeps.
type Entrance struct {
	Trusted []netip.Prefix // proxies whose X-Forwarded-For is believed; none by default
	Secure  bool           // the public URL is https: cookies are __Host- and Secure
	Key     secret.Key     // for form tokens
}

// Client gathers what the request tells about its device.
func (e Entrance) Client(r *http.Request) countersign.Client {
	browser, os, product := Families(r.UserAgent(), r.Header.Get("Sec-CH-UA-Platform"))
	return countersign.Client{IP: e.address(r), Browser: browser, OS: os, Product: product}
}

// address is the peer, unless the peer is a trusted proxy: then the right-most
// hop that is none. What can't be read is unknown, and matches nothing (DV-04).
func (e Entrance) address(r *http.Request) netip.Addr {
	peer := hop(r.RemoteAddr)
	if !e.trusts(peer) {
		return peer
	}
	forwarded := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	if strings.TrimSpace(forwarded) == "" {
		return peer
	}
	hops := strings.Split(forwarded, ",")
	var ip netip.Addr
	for i := len(hops) - 1; i >= 0; i-- {
		ip = hop(strings.TrimSpace(hops[i]))
		if !ip.IsValid() || !e.trusts(ip) {
			return ip
		}
	}
	return ip
}

func (e Entrance) trusts(ip netip.Addr) bool {
	if !ip.IsValid() {
		return false
	}
	for _, p := range e.Trusted {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// hop reads an address with or without port and brackets; zones are dropped,
// IPv4 in IPv6 is IPv4.
func hop(text string) netip.Addr {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap().WithZone("")
}
