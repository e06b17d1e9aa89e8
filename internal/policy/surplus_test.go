package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"countersign"
)

// underWay holds the sign-ins of one user as the store keeps them.
type underWay struct {
	live  []countersign.Attempt
	ended []countersign.Attempt
	begun int
}

// begin starts a sign-in and returns its ID.
func (u *underWay) begin(a countersign.Attempt) countersign.AttemptID {
	u.begun++
	a.ID = countersign.AttemptID(fmt.Sprint(u.begun))
	if a.Browser == "" {
		a.Browser = countersign.BrowserID("browser " + a.ID) // it had no cookie
	}
	ended := Surplus(u.live)
	u.ended = append(u.ended, ended...)
	u.live = slices.DeleteFunc(u.live, func(l countersign.Attempt) bool {
		return slices.ContainsFunc(ended, func(e countersign.Attempt) bool { return e.ID == l.ID })
	})
	u.live = append(u.live, a)
	return a.ID
}

func (u *underWay) goesOn(id countersign.AttemptID) bool {
	return slices.ContainsFunc(u.live, func(a countersign.Attempt) bool { return a.ID == id })
}

func from(ip string) countersign.Attempt {
	return countersign.Attempt{Client: countersign.Client{IP: netip.MustParseAddr(ip)}}
}

// some returns an attempt from a random address of a network.
func some(t *rapid.T, network string) countersign.Attempt {
	p := netip.MustParsePrefix(network)
	b := p.Addr().AsSlice()
	drawn := rapid.Uint64().Draw(t, "address")
	for i := range b {
		if bits := p.Bits() - 8*i; bits < 8 {
			b[i] |= byte(drawn>>(i%8*8)) >> max(bits, 0)
		}
	}
	ip, _ := netip.AddrFromSlice(b)
	return countersign.Attempt{Client: countersign.Client{IP: ip}}
}

// TH-07: an attacker with any number of addresses of one network ends no sign-in of the
// user in another network, on any device.
func TestOneNetworkEndsNoSignInOfAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		networks := []string{"2001:db8:1::/48", "203.0.113.0/24", "2001:db8:2:200::/56"}
		attacker := rapid.SampledFrom(networks).Draw(t, "attacker")
		user := rapid.SampledFrom([]string{"198.51.100.20", "2001:db8:2:1::20"}).Draw(t, "user")
		var u underWay
		var own []countersign.AttemptID
		most := rapid.IntRange(1, MaxAttempts/2-1).Draw(t, "own sign-ins")
		for range rapid.IntRange(MaxAttempts, 5*MaxAttempts).Draw(t, "sign-ins") {
			if len(own) < most && rapid.Bool().Draw(t, "the user's") {
				own = append(own, u.begin(from(user)))
			} else {
				u.begin(some(t, attacker))
			}
		}
		for _, id := range own {
			if !u.goesOn(id) {
				t.Fatalf("sign-in %s of the user has ended", id)
			}
		}
		if len(u.live) > MaxAttempts {
			t.Fatalf("%d sign-ins are under way", len(u.live))
		}
	})
}

// TH-07: the newest sign-in of a new device goes on as long as others hold fewer than
// MaxAttempts-1 other networks. With more, each network has begun one, and the user's
// can't be told from the others.
func TestManyNetworksEndNoNewestSignIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		held := rapid.IntRange(1, MaxAttempts-2).Draw(t, "networks held")
		var u underWay
		var newest countersign.AttemptID
		for range rapid.IntRange(MaxAttempts, 5*MaxAttempts).Draw(t, "sign-ins") {
			n := rapid.IntRange(0, held).Draw(t, "network")
			switch {
			case n == held:
				newest = u.begin(from("198.51.100.20"))
			case n%2 == 0:
				u.begin(some(t, fmt.Sprintf("2001:db8:%x::/48", n+1)))
			default:
				u.begin(some(t, fmt.Sprintf("203.0.%d.0/24", n+1)))
			}
		}
		if newest != "" && !u.goesOn(newest) {
			t.Fatalf("the newest sign-in of the user has ended; %d networks", held)
		}
	})
}

// TH-05, TH-07: a sign-in in a browser that has signed its user in before goes on, whatever
// is begun elsewhere, from any number of networks.
func TestNothingEndsTheSignInOfAKnownBrowser(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var u underWay
		newest := map[countersign.BrowserID]countersign.AttemptID{}
		for range rapid.IntRange(MaxAttempts, 5*MaxAttempts).Draw(t, "sign-ins") {
			a := some(t, rapid.SampledFrom([]string{"::/0", "0.0.0.0/0", "198.51.100.20/32", "2001:db8:1::/48"}).Draw(t, "from"))
			if rapid.IntRange(0, 4).Draw(t, "whose") == 0 {
				a.Known, a.Browser = true, countersign.BrowserID(rapid.SampledFrom([]string{"desk", "phone", "tablet"}).Draw(t, "browser"))
				newest[a.Browser] = u.begin(a)
				continue
			}
			u.begin(a)
		}
		for browser, id := range newest {
			if !u.goesOn(id) {
				t.Fatalf("the sign-in of the %s has ended", browser)
			}
		}
	})
}

// A browser shows only its newest sign-in, so earlier ones end first.
func TestASignInThatNoPageShowsEndsFirst(t *testing.T) {
	var u underWay
	desk := from("198.51.100.20")
	desk.Browser, desk.Known = "desk", true
	earlier := u.begin(desk)
	for i := range MaxAttempts - 2 {
		u.begin(from(fmt.Sprintf("203.0.113.%d", i+1)))
	}
	now := u.begin(desk)
	u.begin(from("203.0.113.99"))
	if len(u.ended) != 1 || u.ended[0].ID != earlier || !u.goesOn(now) {
		t.Errorf("ended: %+v", u.ended)
	}
}
