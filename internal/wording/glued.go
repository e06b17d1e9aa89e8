package wording

import (
	"slices"
	"strings"
	"unicode"
)

// secrets are the names whose values only the recipient may see.
var secrets = []string{Token, Link}

// harmless are the names whose values the program makes and that can't be part of a URL.
var harmless = []string{Reference, Expires, Life}

// secretInURL returns the first secret within text that a mail program or a phone may
// turn into a link, as in https://elsewhere.example/{token}: clicking it would send the
// secret to that host. A word of plain letters and the secret is safe.
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
			word.WriteByte('/') // the value may be anything, a URL too
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

// addressable reports whether a word may become a link: it holds a sign of a URL, or a
// dot with text after it.
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
