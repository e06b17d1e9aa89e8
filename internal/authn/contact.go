package authn

import (
	"context"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// PhoneShared refuses a number that as many others have as may share one (D-48).
// It is asked when a number is given, and again when it is proved.
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
