package edge

import (
	"net"
	"net/url"
	"strings"

	"countersign"
)

// Hosts says which agency a Host header means. No link, cookie or letter is
// ever built from that header: only from the agency's URL (WB-03).
type Hosts struct {
	Public   *url.URL // --public-url
	Agencies []countersign.Agency
}

// Agency is the agency of a host, with its URL; false for a host that is
// nobody's (421). An agency without hosts answers on the public URL, and a lone
// agency on every configured host.
func (h Hosts) Agency(host string) (countersign.Agency, bool) {
	name, port := split(host)
	if port != h.port() {
		return countersign.Agency{}, false
	}
	for _, a := range h.Agencies {
		for _, own := range a.Hosts {
			if name == own {
				return h.located(a), true
			}
		}
	}
	if !h.public(name) {
		return countersign.Agency{}, false
	}
	for _, a := range h.Agencies {
		if len(a.Hosts) == 0 || len(h.Agencies) == 1 {
			return h.located(a), true
		}
	}
	return countersign.Agency{}, false
}

// OtherPort reports whether a host that is nobody's would be an agency's with the
// port of the public URL: a proxy in front has most likely left it out.
func (h Hosts) OtherPort(host string) bool {
	name, port := split(host)
	if h.Public == nil || port == h.port() {
		return false
	}
	if h.port() != "" {
		name = net.JoinHostPort(name, h.port())
	}
	_, ok := h.Agency(name)
	return ok
}

// located is the agency with the base URL of its links: scheme and port of the
// public URL with its first host, or the public URL.
func (h Hosts) located(a countersign.Agency) countersign.Agency {
	a.URL = h.URL(a)
	return a
}

// URL is the base URL of an agency's links, without a slash at its end.
func (h Hosts) URL(a countersign.Agency) string {
	if h.Public == nil {
		return ""
	}
	u := url.URL{Scheme: h.Public.Scheme, Host: h.Public.Host}
	if len(a.Hosts) > 0 {
		u.Host = a.Hosts[0]
		if port := h.Public.Port(); port != "" {
			u.Host = net.JoinHostPort(a.Hosts[0], port)
		}
	}
	return u.String()
}

// public tells whether name is the public URL's; on a loopback URL its other
// names mean the same machine.
func (h Hosts) public(name string) bool {
	if h.Public == nil {
		return false
	}
	own := strings.ToLower(h.Public.Hostname())
	return name == own || loopback(own) && loopback(name)
}

func loopback(name string) bool {
	return name == "localhost" || name == "::1" || net.ParseIP(name).IsLoopback()
}

// port is the port of the public URL, the scheme's own where none is written.
func (h Hosts) port() string {
	if h.Public == nil {
		return ""
	}
	port := h.Public.Port()
	if port == "443" && h.Public.Scheme == "https" || port == "80" && h.Public.Scheme == "http" {
		return ""
	}
	return port
}

// split parts a Host header into its name, in lower case, and its port, which
// is empty for the schemes' own.
func split(host string) (name, port string) {
	name = strings.ToLower(host)
	if n, p, err := net.SplitHostPort(name); err == nil {
		name, port = n, p
	}
	name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"), ".")
	if port == "443" || port == "80" {
		port = ""
	}
	return name, port
}
