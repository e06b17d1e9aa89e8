// Package account lets users change what is theirs: profile, contacts, passwords, devices and sessions.
package account

import "countersign/internal/authn"

// A Service lets users change what is theirs: profile, contacts, password, methods,
// devices, and sign-ins they do not recognize.
type Service struct{ Authn *authn.Service }
