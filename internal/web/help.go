package web

import (
	"html/template"
	"strings"

	"countersign"
)

// A contact is the agency's help contact, split at its telephone number if it holds one that is
// easy to recognize.
type contact struct {
	Before, Number, After string
	Dial                  template.URL
}

// phoneIn finds the telephone number in a contact, so that it becomes a link to dial.
func phoneIn(text string) contact {
	at := countersign.FindPhone(text)
	if at == nil {
		return contact{Before: text}
	}
	c := contact{Before: text[:at[0]], Number: text[at[0]:at[1]], After: text[at[1]:]}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, c.Number)
	switch {
	case strings.HasPrefix(c.Number, "+"), len(digits) == 11 && digits[0] == '1':
		digits = "+" + digits
	case len(digits) == 10 && digits[0] > '1':
		digits = "+1" + digits
	}
	c.Dial = template.URL("tel:" + digits) // #nosec G203 -- digits and a plus only
	return c
}
