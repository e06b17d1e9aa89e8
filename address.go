package countersign

import (
	"fmt"
	"net/netip"
	"slices"
)

// Ranges of IPv6 that hold an IPv4 address (DV-09).
var (
	mappedIPv4       = netip.MustParsePrefix("::ffff:0:0/96")   // RFC 4291 §2.5.5.2
	compatibleIPv4   = netip.MustParsePrefix("::/96")           // RFC 4291 §2.5.5.1
	translated       = netip.MustParsePrefix("64:ff9b::/96")    // NAT64, RFC 6052
	siit             = netip.MustParsePrefix("::ffff:0:0:0/96") // IPv4-translated, RFC 2765 §2.1
	localTranslation = netip.MustParsePrefix("64:ff9b:1::/48")  // NAT64 within a network, RFC 8215
	sixToFour        = netip.MustParsePrefix("2002::/16")       // RFC 3056
	teredo           = netip.MustParsePrefix("2001::/32")       // RFC 4380
)

// CanonicalAddress returns the form of ip that is compared, counted and logged: without a
// zone, and IPv4 where IPv6 merely carries it (DV-09). Call it for every address from
// outside.
func CanonicalAddress(ip netip.Addr) netip.Addr {
	ip = ip.WithZone("")
	if ip.Is4In6() {
		return ip.Unmap()
	}
	if inner, ok := carried(ip); ok {
		return inner
	}
	return ip
}

// Borrowed reports whether ip is IPv6 that carries an IPv4 address of a private
// network by a range that any host may write. It is never a proxy's.
func Borrowed(ip netip.Addr) bool {
	inner, ok := carried(ip.WithZone(""))
	return ok && inner.IsPrivate() && !localTranslation.Contains(ip.WithZone(""))
}

// carried returns the IPv4 address within ip. Addresses that no packet comes from are
// excluded: ::1 is not 0.0.0.1.
func carried(ip netip.Addr) (netip.Addr, bool) {
	if !ip.Is6() || ip.Is4In6() {
		return netip.Addr{}, false
	}
	b := ip.As16()
	var four [4]byte
	switch {
	case translated.Contains(ip), siit.Contains(ip), compatibleIPv4.Contains(ip):
		four = [4]byte(b[12:])
	case localTranslation.Contains(ip):
		if b[8] != 0 {
			return netip.Addr{}, false // RFC 6052 §2.2 requires zero here
		}
		four = within(b)
	case sixToFour.Contains(ip):
		four = [4]byte(b[2:6])
	case teredo.Contains(ip):
		four = [4]byte{^b[12], ^b[13], ^b[14], ^b[15]}
	default:
		return netip.Addr{}, false
	}
	inner := netip.AddrFrom4(four)
	if four[0] == 0 || inner.IsLoopback() || inner.IsMulticast() || inner.IsLinkLocalUnicast() || four == [4]byte{255, 255, 255, 255} {
		return netip.Addr{}, false
	}
	return inner, true
}

// within reads an address of 64:ff9b:1::/48. Networks choose the length of their prefix:
// 96, 64, 56 or 48 bits (RFC 6052 §2.2). The bytes behind the IPv4 address are zero, so the
// last byte that is not zero shows the length.
func within(b [16]byte) [4]byte {
	switch {
	case b[13]|b[14]|b[15] != 0:
		return [4]byte(b[12:])
	case b[12] != 0:
		return [4]byte(b[9:13])
	case b[11] != 0:
		return [4]byte{b[7], b[9], b[10], b[11]}
	default:
		return [4]byte{b[6], b[7], b[9], b[10]}
	}
}

// ParseNetwork parses a network, or one address, into the form that canonical addresses are
// compared with: 192.0.2.0/24, ::ffff:192.0.2.0/120 and 64:ff9b::192.0.2.0/120 are the same.
func ParseNetwork(text string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(text); err == nil {
		ip = CanonicalAddress(ip)
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, err
	}
	return CanonicalNetwork(p)
}

// narrow is the shortest prefix, in bits, that means a network. A shorter one, such as
// 2000::/3, means IPv6 as a whole.
const narrow = 12

// holdsIPv4 reports whether p is wider than one of the ranges whose addresses carry IPv4
// addresses. Those addresses are compared as IPv4, so p would never match them.
func holdsIPv4(p netip.Prefix) bool {
	return slices.ContainsFunc([]netip.Prefix{translated, siit, localTranslation, sixToFour, teredo}, func(r netip.Prefix) bool {
		return p.Bits() < r.Bits() && p.Overlaps(r)
	})
}

// CanonicalNetwork is CanonicalAddress for a network. It returns an error if the network
// contains IPv4 addresses but can't be written as an IPv4 network.
func CanonicalNetwork(p netip.Prefix) (netip.Prefix, error) {
	p = p.Masked()
	ip, bits := p.Addr(), p.Bits()
	if ip.Is4() {
		return p, nil
	}
	inside := func(r netip.Prefix) bool { return bits >= r.Bits() && r.Contains(ip) }
	var four [4]byte
	b := ip.As16()
	whole := bits == 96 && (translated.Contains(ip) || siit.Contains(ip) || localTranslation.Contains(ip)) || bits == 16 && sixToFour.Contains(ip)
	switch {
	case whole:
		return p, fmt.Errorf("%s holds every IPv4 address: write the IPv4 network instead", p)
	case bits == 128 && !Borrowed(ip):
		ip = CanonicalAddress(ip)
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	case inside(mappedIPv4), inside(translated), inside(siit), inside(compatibleIPv4) && b[12] != 0:
		four, bits = [4]byte(b[12:]), bits-96
	case inside(sixToFour):
		four, bits = [4]byte(b[2:6]), min(bits-16, 32)
	case inside(teredo) && bits >= 96:
		four, bits = [4]byte{^b[12], ^b[13], ^b[14], ^b[15]}, bits-96
	case inside(localTranslation) && bits >= 96 && b[8] == 0:
		four, bits = [4]byte(b[12:]), bits-96
	case inside(teredo), inside(localTranslation), bits > 0 && p.Overlaps(mappedIPv4), bits >= narrow && holdsIPv4(p):
		return p, fmt.Errorf("%s holds IPv4 addresses: write the IPv4 network instead", p)
	default:
		return p, nil
	}
	inner := netip.AddrFrom4(four)
	if (inner.IsPrivate() || inner.IsLoopback() || inner.IsUnspecified()) && !mappedIPv4.Contains(ip) && !localTranslation.Contains(ip) {
		return p, fmt.Errorf("%s can be written by any host: write the IPv4 network instead", p)
	}
	return netip.PrefixFrom(inner, bits).Masked(), nil
}
