package apptest

import (
	"strconv"
	"testing"
)

// DV-09: an IPv4 address embedded in IPv6 is that address for devices, counters and the log. Two
// clients behind one translator stay two.
func TestIPv4WithinIPv6IsThatAddress(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		for _, ip := range []string{"64:ff9b::192.0.2.10", "::ffff:192.0.2.10", "2002:c000:20a::1", "2001:0:53aa:64c:0:7fff:3fff:fdf5"} {
			b.SignOut()
			b.IP = ip
			wantIn(t, b.SignIn("BSMITH"), "BSMITH")
		}
		b.SignOut()
		b.IP = "64:ff9b::192.0.2.11"
		wantToken(t, b.SignIn("BSMITH"))
		var other int
		for _, table := range []string{"device", "session", "event"} {
			var n int
			if err := h.Raw().QueryRowContext(t.Context(), `SELECT count(*) FROM `+table+` WHERE agency_id = $1 AND ip LIKE '%:%'`, h.Agency.ID).Scan(&n); err != nil {
				t.Fatal(err)
			}
			other += n
		}
		if other > 0 {
			t.Errorf("%d rows have the address as it was written", other)
		}
	})
}

// DV-09, TH-04: failures of one address are counted over all its spellings.
func TestFailuresAreCountedOverAllSpellings(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Unwatch()
		refused := false
		for i := range 40 {
			ip := "192.0.2.10"
			if i%2 == 1 {
				ip = "64:ff9b::192.0.2.10"
			}
			p := h.Browser(ip, Chrome).SignInWith("USER"+strconv.Itoa(i), "wrong password of theirs")
			refused = refused || p.Status == 429
		}
		if !refused {
			t.Error("one address fails as often as it likes in two spellings")
		}
		n := 0
		err := h.Raw().QueryRowContext(t.Context(), `SELECT count(DISTINCT network) FROM guess WHERE agency_id = $1`, h.Agency.ID).Scan(&n)
		if err != nil || n != 1 {
			t.Errorf("failures are counted for %d networks: %v", n, err)
		}
	})
}
