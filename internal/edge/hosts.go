package edge

import (
	"net"
	"net/url"
	"strings"

	"countersign"
)

// Hosts maps a Host header to an agency. Links, cookies and mail are never built from that
// header, only from the agency's URL (WB-03).
type Hosts struct {
	Public   *url.URL // --public-url
	Agencies []countersign.Agency
}

// Agency returns the agency of a host, with its URL; false for an unknown host (421). An
// agency without hosts uses the public URL. A single agency also does, besides its own hosts.
func (h Hosts) Agency(host string) (countersign.Agency, bool) {
	name, port := splitHost(host)
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

// OtherPort reports whether an unknown host would be an agency's with the port of the public
// URL: a proxy in front has most likely dropped it.
func (h Hosts) OtherPort(host string) bool {
	name, port := splitHost(host)
	if h.Public == nil || port == h.port() {
		return false
	}
	if h.port() != "" {
		name = net.JoinHostPort(name, h.port())
	}
	_, ok := h.Agency(name)
	return ok
}

// located returns the agency with the base URL of its links.
func (h Hosts) located(a countersign.Agency) countersign.Agency {
	a.URL = h.URL(a)
	return a
}

// URL returns the base URL of an agency's links, without a trailing slash: scheme and port of
// the public URL with the agency's first host, or the public URL.
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

// public reports whether name is the host of the public URL. If that is a loopback host, all
// loopback names match.
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

// port returns the port of the public URL; "" for the scheme's default.
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

// splitHost splits a Host header into its name, in lower case, and its port, which is empty for
// the default ports.
func splitHost(host string) (name, port string) {
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
