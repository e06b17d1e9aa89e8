package policy

import (
	"time"

	"countersign"
)

// MaxPendingSize is how much a form may hold that waits for a step-up, in bytes.
const MaxPendingSize = 64 << 10

// ProvedRecently tells whether the last proof of a session counts as a step-up (SE-06):
// a second factor within the last five minutes; of a user without a verified
// method the password, typed within the same time. A remembered device is
// neither, and the age of the session says nothing.
func ProvedRecently(s countersign.Session, u countersign.User, now time.Time) bool {
	if s.ProvedAt.IsZero() || s.Proof == countersign.ProofRemembered {
		return false
	}
	if s.Proof == countersign.ProofPassword && u.Enrolled {
		return false // a method was set up since, maybe by somebody else in another session
	}
	return now.Before(s.ProvedAt.Add(StepUpAge)) && !now.Before(s.ProvedAt.Add(-Skew))
}

// CheckPending says why an act can't wait for a step-up; nil if it can.
func CheckPending(a countersign.PendingRequest) error {
	if a.Size() > MaxPendingSize {
		return &countersign.Error{Kind: countersign.KindInvalid, Code: "step_up.too_much"}
	}
	return nil
}
