package countersign

import (
	"net/netip"
	"time"
)

// Client describes the device that sent a request. It holds families only, never
// versions, so that an update doesn't make a device unknown.
type Client struct {
	IP      netip.Addr // invalid: unknown, equals nothing (DV-04)
	Browser string     // family: Chrome, Edge, Firefox, …, Other
	OS      string     // family: Windows, macOS, iOS, …, Other
	Product string     // the User-Agent's product token, compared only where Browser is Other
}

// Network returns the part of the address that is compared exactly: an IPv4 address, or the
// /64 of an IPv6 address; empty if the address is unknown.
func (c Client) Network() string { return network(c.IP, 32, 64) }

// Neighborhood returns the wider network: IPv4 /24, IPv6 /56; empty if unknown.
func (c Client) Neighborhood() string { return network(c.IP, 24, 56) }

// Wide returns the /48 of an IPv6 address, the most that a provider gives to one customer;
// empty for others (TH-04).
func (c Client) Wide() string {
	if !c.IP.IsValid() || CanonicalAddress(c.IP).Is4() {
		return ""
	}
	return network(c.IP, 32, 48)
}

func network(ip netip.Addr, bits4, bits6 int) string {
	if !ip.IsValid() {
		return ""
	}
	ip = CanonicalAddress(ip)
	bits := bits6
	if ip.Is4() {
		bits = bits4
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return ""
	}
	if p.IsSingleIP() {
		return ip.String()
	}
	return p.String()
}

// Describe returns the device's name for people: "Chrome on Windows".
func (c Client) Describe() string {
	b, o := c.Browser, c.OS
	if b == "" || b == "Other" {
		b = "A browser"
	}
	if o == "" || o == "Other" {
		return b
	}
	return b + " on " + o
}

// Address returns the IP address for people; "unknown" if it is not known.
func (c Client) Address() string {
	if !c.IP.IsValid() {
		return "unknown"
	}
	return CanonicalAddress(c.IP).String()
}

// BrowserID identifies a browser row, to which a device cookie refers.
type BrowserID string

// A Browser is one browser that completed a sign-in here: the holder of the
// device cookie. Its secret is replaced at every second factor (DV-03).
type Browser struct {
	ID      BrowserID
	Digest  []byte // SHA-256 of the cookie's secret
	Created time.Time
	Seen    time.Time
}

// DeviceID identifies a device row.
type DeviceID string

// A Device is one connection of one user: a browser row with a browser family,
// an operating system family and a network. It is remembered while the time of
// its last second factor, Proved, is recent enough.
type Device struct {
	ID              DeviceID
	User            UserID
	Browser         BrowserID
	Client          Client
	FirstSeen       time.Time
	LastSeen        time.Time
	Proved          time.Time // last second factor here; zero: never, or not to be remembered
	LastToken       time.Time // as Proved, but kept when the device is forgotten: for "why am I asked?"
	Forgotten       time.Time // zero: not forgotten
	ForgottenReason Forgotten
	Declined        bool // the user chose not to be remembered here
}

// Forgotten says why a device was forgotten.
type Forgotten string

// Why devices are forgotten.
const (
	ForgottenByUser    Forgotten = "user"
	ForgottenByAdmin   Forgotten = "administrator"
	ForgottenReset     Forgotten = "reset"
	ForgottenPassword  Forgotten = "password"
	ForgottenMethods   Forgotten = "methods"
	ForgottenEmail     Forgotten = "email"
	ForgottenTurnedOff Forgotten = "off"
	ForgottenFrequency Forgotten = "frequency"
	ForgottenDisabled  Forgotten = "disabled"
	ForgottenRights    Forgotten = "rights" // the user was given a right
	ForgottenCopied    Forgotten = "copied" // the cookie appeared with another browser and another system
)
