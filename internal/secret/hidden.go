package secret

import (
	"fmt"
	"log/slog"
)

// redacted is embedded in every type that holds a key: no verb, log or encoder shows the
// fields beside it (KY-02).
type redacted struct{}

const instead = "(hidden)"

// String serves fmt.Print and %s.
func (redacted) String() string { return instead }

// GoString serves %#v.
func (redacted) GoString() string { return instead }

// Format serves every other verb.
func (redacted) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(instead)) }

// LogValue serves package slog.
func (redacted) LogValue() slog.Value { return slog.StringValue(instead) }

// MarshalText serves JSON, TOML and other encoders.
func (redacted) MarshalText() ([]byte, error) { return []byte(instead), nil }
