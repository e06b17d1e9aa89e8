package outbox

import (
	"net/netip"
	"strings"
)

// unreadableTerm returns the first invalid term of an SPF record; empty if there is none. One
// such term invalidates the whole record (RFC 7208).
func unreadableTerm(record string) string {
	for _, term := range strings.Fields(record)[1:] {
		if !readableTerm(term) {
			return term
		}
	}
	return ""
}

// readableTerm reports whether a term is a valid mechanism, or a valid modifier like
// redirect=.
func readableTerm(term string) bool {
	bare := strings.ToLower(strings.TrimLeft(term, "+-~?"))
	if len(term)-len(bare) > 1 {
		return false
	}
	if name, value, ok := strings.Cut(bare, "="); ok && !strings.ContainsAny(name, ":/") {
		return name != "" && len(bare) == len(term) && (value != "" || name != "redirect" && name != "exp")
	}
	name, value, given := strings.Cut(bare, ":")
	switch name {
	case "all":
		return !given
	case "include", "exists":
		return value != ""
	case "ip4", "ip6":
		return inFamily(value, name == "ip4")
	default:
		name, _, _ = strings.Cut(name, "/") // "a/24"
		return (name == "a" || name == "mx" || name == "ptr") && (!given || value != "")
	}
}

// inFamily reports whether a text is an address or network of IPv4, or of IPv6.
func inFamily(text string, four bool) bool {
	if network, err := netip.ParsePrefix(text); err == nil {
		return network.Addr().Is4() == four
	}
	address, err := netip.ParseAddr(text)
	return err == nil && address.Zone() == "" && address.Is4() == four
}
