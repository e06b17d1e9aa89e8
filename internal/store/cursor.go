package store

import (
	"encoding/base64"
	"strings"

	"countersign"
)

// joinCursor names a row of a list by what the list is ordered by and its ID.
func joinCursor(r keyedRow) string {
	return base64.RawURLEncoding.EncodeToString([]byte(string(r.ID) + "\n" + r.key))
}

// splitCursor is the inverse; a cursor that was tampered with starts the list anew.
func splitCursor(cursor string) (value, id string) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || strings.Contains(string(text), "\x00") {
		return "", ""
	}
	id, value, _ = strings.Cut(string(text), "\n")
	return strings.ToValidUTF8(value, ""), strings.ToValidUTF8(id, "")
}

// likeText is the pattern that finds what was typed anywhere in the search text.
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
