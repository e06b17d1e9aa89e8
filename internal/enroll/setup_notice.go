package enroll

import (
	"context"
	"time"

	"countersign"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// enrollmentNoticeAfter is how long the letter about a set-up waits for the next step
// of its wizard. One that is left is told by then.
const enrollmentNoticeAfter = 10 * time.Minute

// methodAdded tells the user of a method that the wizard has just bound. The
// wizard of a first set-up says everything in one letter at its end (NT-05).
// Elsewhere a method is told at once, and so is a first one if the profile's
// address was changed shortly before: the user may not be the one who sets up.
func (s *Service) methodAdded(ctx context.Context, tx *store.Tx, v countersign.Visit, f *policy.Facts, m countersign.Method, passkey string) error {
	if f.Attempt.Purpose != countersign.PurposeSignIn || policy.RecentEmail(f.User, v.Now) {
		return notify.Send(ctx, tx, v, f.User, countersign.MessageMethodAdded, map[string]string{"Method": string(m), "Passkey": passkey})
	}
	f.Attempt.Enrollment.Unnotified = append(f.Attempt.Enrollment.Unnotified, m)
	return s.Authn.EnrollmentNotice(ctx, tx, v, f, v.Now.Add(enrollmentNoticeAfter), map[string]string{})
}
