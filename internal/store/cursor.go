package store

import (
	"encoding/base64"
	"strings"

	"countersign"
)

// joinCursor encodes a row's position in a list: its sort key and its ID.
func joinCursor(r keyedRow) string {
	return base64.RawURLEncoding.EncodeToString([]byte(string(r.ID) + "\n" + r.key))
}

// splitCursor decodes what joinCursor encoded. An invalid cursor starts the list from the
// beginning.
func splitCursor(cursor string) (value, id string) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || strings.Contains(string(text), "\x00") {
		return "", ""
	}
	id, value, _ = strings.Cut(string(text), "\n")
	return strings.ToValidUTF8(value, ""), strings.ToValidUTF8(id, "")
}

// likeText returns the LIKE pattern that finds the typed text anywhere; "" for no text.
func likeText(typed string) string {
	if len(typed) > countersign.MaxTypedLength {
		typed = typed[:countersign.MaxTypedLength]
	}
	folded := countersign.FoldText(strings.ReplaceAll(strings.ToValidUTF8(typed, ""), "\x00", ""))
	if folded == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(folded) + "%"
}
