package authn

import (
	"countersign"
	"countersign/internal/store"
)

// RecoveryDigest returns the digest of a recovery code; the code itself is not stored.
func (s *Service) RecoveryDigest(tx *store.Tx, u countersign.UserID, code string) string {
	return s.Key.CodeDigest("recovery", tx.Agency(), u, code)
}
