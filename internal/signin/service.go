// Package signin signs people in and out, and verifies the step-up of a session.
package signin

import "countersign/internal/authn"

// A Service signs people in: password, token, recovery code, passkey, and the
// step-up of a session that verifies the same answers.
type Service struct{ Authn *authn.Service }
