package store

import (
	"context"
	"time"

	"countersign"
)

// ClearTwoFactor clears what Reset/Disable clears: all methods, recovery and enrollment codes,
// remembered devices, live sessions, attempts (enrollments too), password links and unsent
// tokens.
func (tx *Tx) ClearTwoFactor(ctx context.Context, user countersign.UserID, now time.Time) error {
	if err := tx.RemoveFactors(ctx, user); err != nil {
		return err
	}
	if err := tx.ClearRecoveryCodes(ctx, user); err != nil {
		return err
	}
	if err := tx.DropEnrollmentCode(ctx, user); err != nil {
		return err
	}
	if _, err := tx.ForgetDevices(ctx, user, countersign.ForgottenReset, now); err != nil {
		return err
	}
	if _, err := tx.EndSessions(ctx, user, "", "reset", now); err != nil {
		return err
	}
	return tx.endPending(ctx, user, now)
}

// EndAccess ends what disabling a user ends: remembered devices, live sessions other than except,
// attempts, password links and unsent tokens. The methods stay. Disabling ends the enrollment
// code too.
func (tx *Tx) EndAccess(ctx context.Context, user countersign.UserID, why countersign.Forgotten, ended string, except countersign.SessionID, now time.Time) error {
	if _, err := tx.ForgetDevices(ctx, user, why, now); err != nil {
		return err
	}
	if _, err := tx.EndSessions(ctx, user, except, ended, now); err != nil {
		return err
	}
	if why == countersign.ForgottenDisabled {
		if err := tx.DropEnrollmentCode(ctx, user); err != nil {
			return err
		}
	}
	return tx.endPending(ctx, user, now)
}

// endPending ends the user's attempts, password links and unsent tokens.
func (tx *Tx) endPending(ctx context.Context, user countersign.UserID, now time.Time) error {
	if err := tx.EndLinks(ctx, user); err != nil {
		return err
	}
	if err := tx.DropTokens(ctx, user, now); err != nil {
		return err
	}
	return tx.EndAttempts(ctx, user, Except{}, now)
}
