package account

import (
	"context"
	"strconv"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/notify"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// recoverySetSize is the number of codes in a set (RC-01).
const recoverySetSize = 8

// MakeRecoveryCodes replaces the user's codes by a new set and returns it, this
// once and never again. instead is when the set was made that the new one
// replaces, as the page showed it (SetOf); AnySet: whatever is there.
func (s *Service) MakeRecoveryCodes(ctx context.Context, v countersign.Visit, g authn.Principal, instead int64) (codes []string, err error) {
	for range recoverySetSize {
		codes = append(codes, secret.Code(secret.RecoveryLength))
	}
	err = s.withUser(ctx, v, g, func(tx *store.Tx, u countersign.User) error {
		if !u.Enrolled {
			return countersign.Problem(countersign.KindDenied, "recovery.no_method", "", nil)
		}
		had, err := tx.RecoveryCodes(ctx, u.ID)
		if err != nil {
			return err
		}
		if instead != AnySet && instead != SetOf(had) {
			return countersign.Problem(countersign.KindConflict, "recovery.made_already", "", nil)
		}
		digests := make([]string, len(codes))
		for i, code := range codes {
			digests[i] = s.Authn.RecoveryDigest(tx, u.ID, code)
		}
		if err := tx.ReplaceRecoveryCodes(ctx, u.ID, digests, v.Now); err != nil {
			return err
		}
		if err := authn.NoteChange(ctx, tx, v, g.Session.ID, store.SessionChange{Kind: store.ChangeCodes}); err != nil {
			return err
		}
		e := v.Event("recovery.made", u)
		e.Method, e.Detail = string(countersign.MethodRecovery), map[string]string{"codes": strconv.Itoa(recoverySetSize)}
		tx.Record(e)
		return notify.Send(ctx, tx, v, u, countersign.MessageRecoveryMade, map[string]string{"All": strconv.Itoa(recoverySetSize)})
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// AnySet stands for whatever set of recovery codes there is.
const AnySet = -1

// SetOf names a set of recovery codes by when it was made; 0: there is none. A
// page that is sent again can't replace the set that it has just made.
func SetOf(c countersign.RecoveryCodes) int64 {
	if c.All == 0 {
		return 0
	}
	return c.Made.UnixMilli()
}
