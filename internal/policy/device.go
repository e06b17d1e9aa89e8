package policy

import (
	"slices"
	"time"

	"countersign"
)

// Remembered reports whether the password alone is enough here: the browser holds
// the cookie of its last second factor, browser family, operating system and
// network are the same, and that proof is recent enough (M11, DV-02).
func (f Facts) Remembered() bool {
	if !f.mayRemember() || !f.Known {
		return false
	}
	for _, d := range f.Devices {
		if f.same(d) && f.recentlyProved(d.Proved) {
			return true
		}
	}
	return false
}

// recentlyProved reports whether a proof at t still counts: less than the frequency ago,
// and not from the future by more than the skew.
func (f Facts) recentlyProved(t time.Time) bool {
	if t.IsZero() || f.Now.Before(t.Add(-Skew)) {
		return false
	}
	return f.Now.Sub(t) < time.Duration(f.Agency.Days)*Day
}

// same reports whether the client of this request is the connection d, as closely as
// the agency's preference for networks says.
func (f Facts) same(d countersign.Device) bool {
	return sameBrowser(d.Client, f.Client) && d.Client.OS == f.Client.OS && SameNetwork(f.Agency.Network, d.Client, f.Client)
}

// OwnBrowser reports whether the visit's browser is the user's own: it has
// completed a sign-in of theirs from this network, and no one disowned it since.
func (f Facts) OwnBrowser() bool {
	return f.Known && slices.ContainsFunc(f.Devices, func(d countersign.Device) bool {
		return f.same(d) && KnownBrowser([]countersign.Device{d})
	})
}

// SamePerson reports whether two visits of one user came from one browser: the
// same device cookie, and the client equal as far as the agency compares them.
func SamePerson(rule string, browser, other countersign.BrowserID, a, b countersign.Client) bool {
	return browser != "" && browser == other && sameBrowser(a, b) && a.OS == b.OS && SameNetwork(rule, a, b)
}

func sameBrowser(a, b countersign.Client) bool {
	return a.Browser == b.Browser && (a.Browser != "Other" || a.Product == b.Product)
}

// SameNetwork compares two addresses as rule says; an unknown one equals nothing.
func SameNetwork(rule string, a, b countersign.Client) bool {
	if a.Network() == "" || b.Network() == "" {
		return false
	}
	switch rule {
	case countersign.NetworkAny:
		return true
	case countersign.NetworkNeighborhood:
		return a.Neighborhood() == b.Neighborhood()
	default:
		return a.Network() == b.Network()
	}
}

// exact is the device row of this very connection, if there is one.
func (f Facts) exact() (countersign.Device, bool) {
	for _, d := range f.Devices {
		if sameBrowser(d.Client, f.Client) && d.Client.OS == f.Client.OS && d.Client.Network() == f.Client.Network() {
			return d, true
		}
	}
	return countersign.Device{}, false
}

// announce reports whether this connection is new to the user: they did not use it in 180 days.
func (f Facts) announce() bool {
	d, ok := f.exact()
	if !ok || !f.Known || disowned(d) && !d.LastSeen.After(d.Forgotten) {
		return true // nothing was completed here since it was forgotten
	}
	return f.Now.Sub(d.LastSeen) >= SeenFor
}

// disowned reports whether a person forgot the browser of d, or its cookie was
// copied: the next client with that cookie is unknown.
func disowned(d countersign.Device) bool {
	switch d.ForgottenReason {
	case countersign.ForgottenByUser, countersign.ForgottenByAdmin, countersign.ForgottenCopied:
		return true
	default:
		return false
	}
}

// Copied reports whether the device cookie appears with another browser and
// another operating system at once, and so was copied.
func (f Facts) Copied() bool {
	if !f.Known || len(f.Devices) == 0 {
		return false
	}
	for _, d := range f.Devices {
		if sameBrowser(d.Client, f.Client) || d.Client.OS == f.Client.OS {
			return false
		}
	}
	return true
}

// Declined reports whether the user chose not to be remembered in this browser, at
// whatever address that was (DV-08).
func (f Facts) Declined() bool {
	return slices.ContainsFunc(f.Devices, func(d countersign.Device) bool { return d.Declined })
}

// After returns the connection to save once the sign-in is admitted: seen now,
// and proved now if it may be remembered.
func (f Facts) After(admit Admit, decline bool) countersign.Device {
	d, ok := f.exact()
	if !ok && !KnownBrowser(f.Devices) {
		known, _ := f.nearest() // another address does not make a disowned browser known
		d.Forgotten, d.ForgottenReason, d.Declined = known.Forgotten, known.ForgottenReason, known.Declined
	}
	d.User, d.Client, d.LastSeen = f.User.ID, f.Client, f.Now
	if d.FirstSeen.IsZero() {
		d.FirstSeen = f.Now
	}
	if f.Attempt.Proved == "" || f.Attempt.Proved == countersign.MethodRecovery {
		return d // a recovery code earns no trust, and takes none away
	}
	d.LastToken, d.Declined = f.Now, decline
	d.Proved, d.Forgotten, d.ForgottenReason = time.Time{}, time.Time{}, ""
	if admit.Remember && !decline {
		d.Proved = f.Now
	}
	return d
}

// RememberedUntil returns when a device that was proved at t is asked again; zero if
// it is not remembered.
func RememberedUntil(p countersign.Preferences, t time.Time) time.Time {
	if t.IsZero() || !p.TwoFactor || p.Days == 0 {
		return time.Time{}
	}
	return t.Add(time.Duration(p.Days) * Day)
}
