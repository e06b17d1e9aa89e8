package signin

import (
	"context"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// warnLocked is a right password while no token is taken. No sign-in begins, so
// one that would warn later warns now.
func (s *Service) warnLocked(ctx context.Context, tx *store.Tx, v countersign.Visit, id countersign.UserID) error {
	u, err := tx.LockUser(ctx, id)
	if err != nil {
		return err
	}
	a := countersign.Attempt{User: u.ID, Purpose: countersign.PurposeSignIn, Password: true, Client: v.Client, Started: v.Now, Expires: v.Now}
	f, err := s.Authn.Facts(ctx, tx, v, u, a)
	if err != nil {
		return err
	}
	a.Browser = f.Browser
	if a.KnownBrowser, err = ownBrowser(ctx, tx, f); err != nil {
		return err
	}
	if a.Warns(countersign.Ended) == countersign.WarnNever {
		return nil
	}
	return s.Authn.WarnUser(ctx, tx, v, u, a.Warning(secret.NewID(), v.Now, countersign.WarnNow), "")
}

// allPaused tells whether no way that may be turned to takes a token now, and
// then why the one that is asked for does not.
func (s *Service) allPaused(f policy.Facts) (policy.Decision, bool) {
	for _, fa := range authn.OtherMethods(f) {
		if f.LimitedMethods(fa).Code == "" {
			return policy.Decision{}, false
		}
	}
	if f.RecoveryCodes.Left > 0 && f.LimitedMethods(countersign.Factor{Method: countersign.MethodRecovery}).Code == "" {
		return policy.Decision{}, false
	}
	p := f.LimitedMethods(f.Method())
	return p, p.Code != ""
}
