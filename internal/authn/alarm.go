package authn

import (
	"context"
	"errors"
	"fmt"

	"countersign"
	"countersign/internal/store"
)

// brokenFactor returns the error for a factor whose secret can't be decrypted in its row.
func brokenFactor(f countersign.Factor) error {
	return countersign.Problem(countersign.KindDenied, "secret.broken", "", countersign.Args{"Place": fmt.Sprintf("factor %s", f.ID), "User": f.User})
}

// brokenPassword returns the error for a user whose password hash can't be decrypted
// in their row. The client sees only the usual answer for a wrong password (EN-01).
func brokenPassword(u countersign.User) error {
	return countersign.Problem(countersign.KindDenied, "secret.broken", "", countersign.Args{"Place": fmt.Sprintf("password of user %s", u.ID), "User": u.ID})
}

// ReportTampering records in the audit log that a sealed value can't be decrypted in
// its row: it was moved or changed in the database (KY-01). It uses a transaction of
// its own, since the one that found the value may have been rolled back.
func (s *Service) ReportTampering(ctx context.Context, v countersign.Visit, why error) error {
	var e *countersign.Error
	if !errors.As(why, &e) || e.Code != "secret.broken" {
		return nil
	}
	s.alarmed(e.Code)
	return s.Store.In(ctx, v.Agency.ID, func(tx *store.Tx) error {
		var u countersign.User
		if id, ok := e.Args["User"].(countersign.UserID); ok {
			var err error
			if u, err = tx.User(ctx, id); err != nil && countersign.KindOf(err) != countersign.KindNotFound {
				return err
			}
		}
		row := v.RefusedEvent("secret.broken", u, e.Code)
		row.Detail = map[string]string{"place": fmt.Sprint(e.Args["Place"])}
		tx.Record(row)
		return nil
	})
}
