package countersign_test

import (
	"net/netip"
	"testing"

	"countersign"
)

// DV-09: an IPv4 address is the same in every spelling, and what merely looks like one stays
// IPv6.
func TestCanonicalAddress(t *testing.T) {
	for written, want := range map[string]string{
		"192.0.2.7":                        "192.0.2.7",
		"::ffff:192.0.2.7":                 "192.0.2.7",
		"::ffff:c000:207":                  "192.0.2.7",
		"::ffff:127.0.0.1":                 "127.0.0.1",
		"::192.0.2.7":                      "192.0.2.7",
		"64:ff9b::192.0.2.7":               "192.0.2.7",
		"64:ff9b::c000:207":                "192.0.2.7",
		"64:ff9b:1::192.0.2.7":             "192.0.2.7",
		"64:ff9b:1:abcd::10.1.2.7":         "10.1.2.7",
		"64:ff9b:1:c000:2:700::":           "192.0.2.7", // prefix of 48 bits
		"64:ff9b:1:c0:0:207::":             "192.0.2.7", // of 56
		"64:ff9b:1:0:c0:2:700::":           "192.0.2.7", // of 64
		"2002:c000:207::1":                 "192.0.2.7",
		"2002:c000:207:1:2:3:4:5":          "192.0.2.7",
		"2001:0:53aa:64c:0:7fff:3fff:fdf8": "192.0.2.7",
		"fe80::1%eth0":                     "fe80::1",
		"::1":                              "::1",
		"::":                               "::",
		"64:ff9b::127.0.0.1":               "64:ff9b::7f00:1",
		"2002:7f00:1::1":                   "2002:7f00:1::1",
		"64:ff9b:1:abcd:ff00::10.1.2.7":    "64:ff9b:1:abcd:ff00:0:a01:207",
		"64:ff9b:2::192.0.2.7":             "64:ff9b:2::c000:207",
		"2001:db8::192.0.2.7":              "2001:db8::c000:207",
		"2001:1::192.0.2.7":                "2001:1::c000:207",
	} {
		ip := netip.MustParseAddr(written)
		got := countersign.CanonicalAddress(ip)
		if got.String() != want {
			t.Errorf("%s is %s, want %s", written, got, want)
		}
		if again := countersign.CanonicalAddress(got); again != got {
			t.Errorf("%s is %s, and that is %s", written, got, again)
		}
		c, plain := countersign.Client{IP: ip}, countersign.Client{IP: netip.MustParseAddr(want)}
		if c.Network() != plain.Network() || c.Neighborhood() != plain.Neighborhood() || c.Wide() != plain.Wide() || c.Address() != plain.Address() {
			t.Errorf("%s counts as %s %s %s %s", written, c.Network(), c.Neighborhood(), c.Wide(), c.Address())
		}
	}
	if countersign.CanonicalAddress(netip.Addr{}).IsValid() {
		t.Error("an unknown address became one")
	}
}

// DV-09: networks in settings are compared with canonical addresses, so they become
// canonical too; what can't is refused.
func TestParseNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7":                    "192.0.2.7/32",
		"192.0.2.7/24":                 "192.0.2.0/24",
		"::ffff:192.0.2.7":             "192.0.2.7/32",
		"::ffff:192.0.2.7/128":         "192.0.2.7/32",
		"::ffff:10.0.0.0/104":          "10.0.0.0/8",
		"::ffff:0:0/96":                "0.0.0.0/0",
		"::192.0.2.0/120":              "192.0.2.0/24",
		"64:ff9b::192.0.2.0/120":       "192.0.2.0/24",
		"64:ff9b:1::10.0.0.0/104":      "10.0.0.0/8",
		"2002:c000:207::/48":           "192.0.2.7/32",
		"2002:c000:207:1::/64":         "192.0.2.7/32",
		"2002:c000:200::/40":           "192.0.2.0/24",
		"2001:0:0:0:0:0:3fff:fdf8":     "192.0.2.7/32",
		"2001:0:0:0:0:0:3fff:fd00/120": "192.0.2.0/24",
		"::1":                          "::1/128",
		"::1/128":                      "::1/128",
		"::1%lo":                       "::1/128",
		"2001:db8::7/32":               "2001:db8::/32",
		"fc00::/7":                     "fc00::/7",
		"::/0":                         "::/0",
		"0.0.0.0/0":                    "0.0.0.0/0",
		"2002:a00:1::/48":              "",
		"64:ff9b::10.0.0.1/128":        "",
		"64:ff9b::/96":                 "",
		"64:ff9b:1::/96":               "",
		"64:ff9b:1::/48":               "",
		"2002::/16":                    "",
		"2001::/32":                    "",
		"::ffff:0:0/90":                "",
		"64:ff9b::/64":                 "",
		"64:ff9b::/32":                 "",
		"2002::/15":                    "",
		"2001::/16":                    "",
		"2002:7f00:1::/48":             "",
		"2002::/48":                    "",
		"::ffff:0:192.0.2.7":           "192.0.2.7/32",
		"::ffff:0:192.0.2.0/120":       "192.0.2.0/24",
		"::ffff:0:0:0/96":              "",
		"::ffff:127.0.0.1":             "127.0.0.1/32",
		"2000::/3":                     "2000::/3",
		"2003::/16":                    "2003::/16",
		"10.0.0.0/33":                  "",
		"10.0.0":                       "",
		"":                             "",
	} {
		got, err := countersign.ParseNetwork(text)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q was taken as %s", text, got)
		case want != "" && (err != nil || got.String() != want):
			t.Errorf("%q is %s (%v), want %s", text, got, err, want)
		}
	}
}
