package secret

import (
	"fmt"
	"log/slog"
)

// redacted is in every type that holds a key: no verb, log or encoder shows what
// stands beside it (KY-02).
type redacted struct{}

const instead = "(hidden)"

// String is for printing.
func (redacted) String() string { return instead }

// GoString is for %#v.
func (redacted) GoString() string { return instead }

// Format is for every other verb.
func (redacted) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(instead)) }

// LogValue is for logs.
func (redacted) LogValue() slog.Value { return slog.StringValue(instead) }

// MarshalText is for JSON, TOML and their like.
func (redacted) MarshalText() ([]byte, error) { return []byte(instead), nil }
