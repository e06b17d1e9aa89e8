package store

import (
	"context"
	"time"

	"countersign"
)

// ClearTwoFactor does what Reset/Disable clears (D-41): all methods, recovery
// and enrollment codes, remembered devices, live sessions, attempts with their
// set-ups, links to a password, and tokens on their way.
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

// EndAccess does what disabling a user clears (D-41): remembered devices, live
// sessions, attempts and links to a password; the methods stay. Disabling ends
// his enrollment code too.
func (tx *Tx) EndAccess(ctx context.Context, user countersign.UserID, why countersign.Forgotten, ended string, but countersign.SessionID, now time.Time) error {
	if _, err := tx.ForgetDevices(ctx, user, why, now); err != nil {
		return err
	}
	if _, err := tx.EndSessions(ctx, user, but, ended, now); err != nil {
		return err
	}
	if why == countersign.ForgottenDisabled {
		if err := tx.DropEnrollmentCode(ctx, user); err != nil {
			return err
		}
	}
	return tx.endPending(ctx, user, now)
}

// endPending ends the attempts of a user, his links to a password, and the
// tokens that were not sent yet.
func (tx *Tx) endPending(ctx context.Context, user countersign.UserID, now time.Time) error {
	if err := tx.EndLinks(ctx, user); err != nil {
		return err
	}
	if err := tx.DropTokens(ctx, user, now); err != nil {
		return err
	}
	return tx.EndAttempts(ctx, user, Except{}, now)
}
