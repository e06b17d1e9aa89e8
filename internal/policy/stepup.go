package policy

import (
	"time"

	"countersign"
)

// MaxAct is how much a form may hold that waits for a step-up, in bytes.
const MaxAct = 64 << 10

// Recent tells whether the last proof of a session counts as a step-up (SE-06):
// a second factor within the last five minutes; of a user without a verified
// method the password, typed within the same time. A remembered device is
// neither, and the age of the session says nothing.
func Recent(s countersign.Session, u countersign.User, now time.Time) bool {
	if s.ProvedAt.IsZero() || s.Proof == countersign.ProofRemembered {
		return false
	}
	if s.Proof == countersign.ProofPassword && u.Enrolled {
		return false // a method was set up since, maybe by somebody else in another session
	}
	return now.Before(s.ProvedAt.Add(StepUpFresh)) && !now.Before(s.ProvedAt.Add(-Skew))
}

// MayWait says why an act can't wait for a step-up; nil if it can.
func MayWait(a countersign.Act) error {
	if a.Size() > MaxAct {
		return &countersign.Error{Kind: countersign.Invalid, Code: "step_up.too_much"}
	}
	return nil
}
