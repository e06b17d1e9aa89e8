package policy

import (
	"time"

	"countersign"
)

// RecentEmail tells whether the profile's address was changed within three
// days: the old one is still told, and administrators hear of an enrolment (ER-05).
func RecentEmail(u countersign.User, now time.Time) bool {
	return !u.EmailSince.IsZero() && now.Before(u.EmailSince.Add(OldEmail))
}

// KeptEmail is the address that goes on being told after a profile's address is
// replaced: the one before, or the one before that where it was replaced within
// three days, so that a second change silences nobody.
func KeptEmail(old countersign.User, email string, now time.Time) string {
	if RecentEmail(old, now) && old.OldEmail != "" && !countersign.SameEmail(old.OldEmail, email) {
		return old.OldEmail
	}
	return old.Email
}
