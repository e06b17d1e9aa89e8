package policy

import (
	"strings"

	"countersign"
)

// CheckName returns an error for the field of a person's or group's name; nil if it
// is one line of 1 to 100 characters.
func CheckName(name string) error {
	if name == "" {
		return &countersign.Error{Kind: countersign.KindInvalid, Code: "name.required", Field: "name"}
	}
	if len([]rune(name)) > 100 || !countersign.IsLine(name) {
		return &countersign.Error{Kind: countersign.KindInvalid, Code: "name.form", Field: "name"}
	}
	return nil
}

// CheckPasskeyName returns an error for the field of a passkey's name; nil if it is
// one line of 1 to 50 characters.
func CheckPasskeyName(name string) error {
	if name == "" {
		return &countersign.Error{Kind: countersign.KindInvalid, Code: "passkey.name_required", Field: "passkey_name"}
	}
	if len([]rune(name)) > 50 || !countersign.IsLine(name) {
		return &countersign.Error{Kind: countersign.KindInvalid, Code: "passkey.name_form", Field: "passkey_name"}
	}
	return nil
}

// CheckReason returns an error for the field of a typed reason; nil if it is valid.
// missing is the error code for an empty one.
func CheckReason(reason, missing string) error {
	if strings.TrimSpace(reason) == "" {
		return &countersign.Error{Kind: countersign.KindInvalid, Code: missing, Field: "reason"}
	}
	if len([]rune(reason)) > 500 || !countersign.IsLine(strings.NewReplacer("\r", "", "\n", "", "\t", "").Replace(reason)) {
		return &countersign.Error{Kind: countersign.KindInvalid, Code: "reason.long", Field: "reason"}
	}
	return nil
}
