package policy

import (
	"time"

	"countersign"
)

// RecentEmail reports whether the profile's address was changed within three days:
// the old one still gets notices, and administrators are notified of an enrollment (ER-05).
func RecentEmail(u countersign.User, now time.Time) bool {
	return !u.EmailSince.IsZero() && now.Before(u.EmailSince.Add(OldEmail))
}

// KeptEmail returns the old address that still gets notices after a profile's address
// is replaced: the one before, or the one before that if it was replaced within three
// days, so that a second change doesn't silence the first.
func KeptEmail(old countersign.User, email string, now time.Time) string {
	if RecentEmail(old, now) && old.OldEmail != "" && !countersign.SameEmail(old.OldEmail, email) {
		return old.OldEmail
	}
	return old.Email
}
