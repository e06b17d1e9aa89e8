package authn

import (
	"encoding/hex"
	"strconv"
	"time"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
)

// PendingKey is the app's key that a wizard shows now, and until when it can be
// proved: the one that was drawn, and after each ten minutes another one (ER-03).
// The later ones are derived from the first with the installation's key, so that
// opening a page writes nothing, and no key reveals the next.
func (s *Service) PendingKey(a countersign.Attempt, now time.Time) (key []byte, until time.Time) {
	drawn := a.Enrollment.KeyAt
	if drawn.IsZero() {
		drawn = a.Started
	}
	n := max(0, int(now.Sub(drawn)/policy.KeyLife))
	return s.keyOf(a, n), drawn.Add(time.Duration(n+1) * policy.KeyLife)
}

// earlierKey is the key that was shown before that of now; nil if there was none.
func (s *Service) earlierKey(a countersign.Attempt, now time.Time) []byte {
	_, until := s.PendingKey(a, now)
	drawn := a.Enrollment.KeyAt
	if drawn.IsZero() {
		drawn = a.Started
	}
	n := int(until.Sub(drawn)/policy.KeyLife) - 1
	if n < 1 {
		return nil
	}
	return s.keyOf(a, n-1)
}

// keyOf is the wizard's n-th key: 160 bits, as the one that was drawn (OT-07).
func (s *Service) keyOf(a countersign.Attempt, n int) []byte {
	if n == 0 || len(a.Enrollment.Key) == 0 {
		return a.Enrollment.Key
	}
	return s.Key.MAC("app key", string(a.ID), hex.EncodeToString(a.Enrollment.Key), strconv.Itoa(n))[:len(a.Enrollment.Key)]
}

// keyOver reports whether a token of the wizard was made with the key that was
// shown before: it was right until a while ago.
func (s *Service) keyOver(a countersign.Attempt, fa countersign.Factor, in factor.Binding, token string, v countersign.Visit) bool {
	if fa.Method != countersign.MethodApp || fa.ID != "" || !a.Enrollment.Open {
		return false
	}
	fa.Secret = s.earlierKey(a, v.Now)
	m := s.Methods.Of(countersign.MethodApp)
	if len(fa.Secret) == 0 || m == nil {
		return false
	}
	_, err := m.Check(fa, a.Challenge, in, token, v.Now)
	return err == nil
}
