package wording

import (
	"slices"
	"strings"
	"unicode"
)

// secrets are the names whose values are for the reader alone.
var secrets = []string{Token, Link}

// harmless are the names whose values are the house's own and no part of an address.
var harmless = []string{Reference, Expires, Life}

// secretInURL is the first secret that stands within what a mail program or a phone may
// take for an address, as in https://elsewhere.example/{token}: whoever presses it
// would send the secret there. Beside spaces and plain letters it is out of reach.
func (t Text) secretInURL() (Part, bool) {
	var word strings.Builder
	var held, found *Part
	end := func() {
		if held != nil && found == nil && addressable(word.String()) {
			found = held
		}
		held = nil
		word.Reset()
	}
	for i, p := range t {
		switch {
		case slices.Contains(secrets, p.Name):
			held = &t[i]
			word.WriteByte('0')
		case slices.Contains(harmless, p.Name):
			word.WriteByte('x')
		case p.Name != "":
			word.WriteByte('/') // it may be anything, an address too
		default:
			for _, r := range p.Text {
				if unicode.IsSpace(r) {
					end()
					continue
				}
				word.WriteRune(r)
			}
		}
	}
	end()
	if found == nil {
		return Part{}, false
	}
	return *found, true
}

// addressable tells whether a word may be taken for an address: it holds a sign of
// one, or a dot that goes on.
func addressable(word string) bool {
	if strings.ContainsAny(word, `/\@?=&%`) {
		return true
	}
	dot := false
	for _, r := range word {
		if dot && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return true
		}
		dot = r == '.'
	}
	return false
}
