package policy

import (
	"time"

	"countersign"
)

// The limits of password resets (PW-06).
const (
	PasswordLink         = time.Hour // how long the link works
	MaxLinks             = 3         // to one user in an hour
	MaxResetRequests     = 20        // asked for from one network in an hour
	MaxResetRequestsWide = 80        // the same from an IPv6 /48
)

// LinkRefused returns why a user who asked for a link to choose a new password
// gets none, as a code for the audit log; empty: they get one. sent is how many
// links they got within the hour. The client never learns the reason (EN-01).
func LinkRefused(u countersign.User, sent int) string {
	switch {
	case u.Disabled:
		return "user.disabled"
	case u.Email == "":
		return "user.no_email"
	case sent >= MaxLinks:
		return "link.limit"
	default:
		return ""
	}
}

// SamePassword reports whether a user still has the password that was checked. Its
// hash may have been renewed by a sign-in since: the password is still the same.
func SamePassword(checked, now countersign.User) bool {
	return checked.Password == now.Password ||
		checked.Password != "" && now.Password != "" && checked.PasswordAt.Equal(now.PasswordAt)
}
