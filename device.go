package countersign

import (
	"net/netip"
	"time"
)

// Client is what one request tells about the device that sent it. Families
// only, never versions (D-10, D-11).
type Client struct {
	IP      netip.Addr // invalid: unknown, equals nothing (DV-04)
	Browser string     // family: Chrome, Edge, Firefox, …, Other
	OS      string     // family: Windows, macOS, iOS, …, Other
	Product string     // the User-Agent's product token, compared only where Browser is Other
}

// Network is the part of the address that is compared exactly: an IPv4 address,
// or the /64 of an IPv6 address; empty if the address is unknown (D-12).
func (c Client) Network() string { return network(c.IP, 32, 64) }

// Neighborhood is the wider network: IPv4 /24, IPv6 /56; empty if unknown (D-12).
func (c Client) Neighborhood() string { return network(c.IP, 24, 56) }

// Wide is the /48 that an IPv6 address lies in, which one customer of a provider
// holds at the most; empty for others (TH-04).
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

// Describe names the device for people: "Chrome on Windows".
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

// Address is the IP address for people; "unknown" where it is not known.
func (c Client) Address() string {
	if !c.IP.IsValid() {
		return "unknown"
	}
	return CanonicalAddress(c.IP).String()
}

// BrowserID names a browser row: what a device cookie stands for.
type BrowserID string

// A Browser is one browser that completed a sign-in here: the holder of the
// device cookie. Its secret is replaced at every second factor (DV-03).
type Browser struct {
	ID      BrowserID
	Digest  []byte // SHA-256 of the cookie's secret
	Created time.Time
	Seen    time.Time
}

// DeviceID names a device row.
type DeviceID string

// A Device is one connection of one user: a browser row with a browser family,
// an operating system family and a network (D-09). It is remembered while the
// time of its last second factor, Proved, is recent enough (D-02).
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

// Why devices are forgotten (D-41).
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
	ForgottenCopied    Forgotten = "copied" // the cookie appeared with another browser and another system (D-16)
)
