package authn

import (
	"context"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// PhoneShared refuses a number that already has as many users as may share one.
// It is checked when a number is entered, and again when it is proved.
func PhoneShared(ctx context.Context, tx *store.Tx, f policy.Facts, number string) error {
	if err := tx.LockContact(ctx, number); err != nil {
		return err
	}
	n, err := tx.CountSharing(ctx, f.User.ID, countersign.MethodSMS, number)
	if err == nil && n >= f.Agency.PhoneShare {
		err = countersign.Problem(countersign.KindInvalid, "phone.shared", "phone", countersign.Args{"Users": n})
	}
	return err
}
