package authn

import (
	"context"
	"slices"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// ForgetBrowser forgets a browser of a user at every address and ends its
// sessions but one (DV-08).
func ForgetBrowser(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.UserID, b countersign.BrowserID, but countersign.SessionID, ended string) error {
	if b == "" {
		return nil
	}
	if err := tx.ForgetBrowser(ctx, u, b, countersign.ForgottenByUser, v.Now); err != nil {
		return err
	}
	return tx.EndBrowser(ctx, u, b, but, ended, v.Now)
}

// noteEnrolled keeps which methods the wizard of a sign-in has bound, for the
// session that it ends in.
func (s *Service) noteEnrolled(ctx context.Context, tx *store.Tx, v countersign.Visit, f policy.Facts, b countersign.BrowserID) error {
	if len(f.Attempt.Enrollment.Verified) == 0 {
		return nil
	}
	factors, err := tx.Factors(ctx, f.User.ID)
	if err != nil {
		return err
	}
	c := store.SessionChange{User: f.User.ID, Browser: b, At: v.Now}
	for _, fa := range factors {
		if !slices.Contains(f.Attempt.Enrollment.Verified, fa.Method) {
			continue
		}
		if fa.Method != countersign.MethodPasskey {
			c.Kind, c.Ref = store.ChangeMethod, string(fa.ID)
			if err := tx.RecordChange(ctx, c); err != nil {
				return err
			}
		}
		for _, p := range fa.Passkeys {
			c.Kind, c.Ref = store.ChangePasskey, string(p.ID)
			if p.Created.Before(f.Attempt.Started) {
				continue
			}
			if err := tx.RecordChange(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// NoteChange keeps what a session changed about its user.
func NoteChange(ctx context.Context, tx *store.Tx, v countersign.Visit, session countersign.SessionID, c store.SessionChange) error {
	if session == "" {
		return nil // the wizard of a sign-in: noteEnrolled follows
	}
	s, err := tx.Session(ctx, session)
	if err != nil {
		return err
	}
	c.User, c.Browser, c.At = s.User, s.Browser, v.Now
	return tx.RecordChange(ctx, c)
}

// BoundChange is the change that a wizard makes by binding fa, in place of the
// factor at replaced; -1: of none.
func BoundChange(f policy.Facts, replaced int, fa countersign.Factor) store.SessionChange {
	if replaced >= 0 && policy.Sends(fa.Method) {
		return store.SessionChange{Kind: store.ChangeTokensTo, Ref: fa.Address, Was: f.Factors[replaced].Address}
	}
	return store.SessionChange{Kind: store.ChangeMethod, Ref: string(fa.ID)}
}
