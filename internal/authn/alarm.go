package authn

import (
	"context"
	"errors"
	"fmt"

	"countersign"
	"countersign/internal/store"
)

// brokenFactor is the answer for a factor whose secret does not open in its row.
func brokenFactor(f countersign.Factor) error {
	return countersign.Problem(countersign.KindDenied, "secret.broken", "", countersign.Args{"Place": fmt.Sprintf("factor %s", f.ID), "User": f.User})
}

// brokenPassword is what is wrong with a user whose password hash does not open in
// his row. Who types a password there is told that it is not right, like everybody (EN-01).
func brokenPassword(u countersign.User) error {
	return countersign.Problem(countersign.KindDenied, "secret.broken", "", countersign.Args{"Place": fmt.Sprintf("password of user %s", u.ID), "User": u.ID})
}

// ReportTampering keeps in the audit log that a sealed value did not open in its row:
// somebody has moved or changed it in the database (KY-01). The transaction
// that met it is over, undone or not; this is one of its own.
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
