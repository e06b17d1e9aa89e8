package secret

import (
	"fmt"
	"log/slog"
)

// hidden is in every type that holds a key: no verb, log or encoder shows what
// stands beside it (KY-02).
type hidden struct{}

const instead = "(hidden)"

// String is for printing.
func (hidden) String() string { return instead }

// GoString is for %#v.
func (hidden) GoString() string { return instead }

// Format is for every other verb.
func (hidden) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(instead)) }

// LogValue is for logs.
func (hidden) LogValue() slog.Value { return slog.StringValue(instead) }

// MarshalText is for JSON, TOML and their like.
func (hidden) MarshalText() ([]byte, error) { return []byte(instead), nil }
