package authn

import (
	"countersign"
	"countersign/internal/store"
)

// RecoveryDigest is all that is kept of a recovery code.
func (s *Service) RecoveryDigest(tx *store.Tx, u countersign.UserID, code string) string {
	return s.Key.CodeDigest("recovery", tx.Agency(), u, code)
}
