// Package enroll sets up second factors: the enrollment wizard and enrollment codes.
package enroll

import "countersign/internal/authn"

// A Service sets up the second factor of a user: the enrollment wizard and the
// enrollment code that may open it.
type Service struct{ Authn *authn.Service }
