package policy

import (
	"time"

	"countersign"
)

// MaxPendingSize is the largest form, in bytes, that can wait for a step-up.
const MaxPendingSize = 64 << 10

// ProvedRecently reports whether the last proof of a session counts as a step-up
// (SE-06): a second factor within the last five minutes, or, for a user without a
// verified method, the password within the same time. A remembered device and the
// age of the session don't count.
func ProvedRecently(s countersign.Session, u countersign.User, now time.Time) bool {
	if s.ProvedAt.IsZero() || s.Proof == countersign.ProofRemembered {
		return false
	}
	if s.Proof == countersign.ProofPassword && u.Enrolled {
		return false // a method was set up since, maybe by someone else in another session
	}
	return now.Before(s.ProvedAt.Add(StepUpAge)) && !now.Before(s.ProvedAt.Add(-Skew))
}

// CheckPending returns an error if a request can't wait for a step-up.
func CheckPending(a countersign.PendingRequest) error {
	if a.Size() > MaxPendingSize {
		return &countersign.Error{Kind: countersign.KindInvalid, Code: "step_up.too_much"}
	}
	return nil
}
