package secret

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"countersign"
)

// normal returns the form in which passwords are hashed: NFC, never shortened. fits is
// false if it has more code points or bytes than a password may have (PW-03).
func normal(password string) (text string, fits bool) {
	// NFC shortens a text to a third at most, so this one can't fit.
	if len(password) > 4*maxHashSize {
		return password, false
	}
	text = norm.NFC.String(password)
	return text, len(text) <= maxHashSize && utf8.RuneCountInString(text) <= longest
}

func tooLong(password string) error {
	return refused("password.long", countersign.Args{"Length": utf8.RuneCountInString(password), "Max": longest})
}

func refused(code string, args countersign.Args) error {
	return &countersign.Error{Kind: countersign.KindInvalid, Code: code, Field: "new_password", Args: args}
}

// CheckNew returns an error for the field new_password if a password is shorter than
// shortest code points or too long (PW-03), is a form of the user ID, the address, the
// agency or the product, or is among the most used ones or made of them (PW-04).
func CheckNew(password string, shortest int, login, email, agency, product string) error {
	text, fits := normal(password)
	if !fits {
		return tooLong(text)
	}
	if n := utf8.RuneCountInString(text); n < shortest {
		return refused("password.short", countersign.Args{"Length": n, "Min": shortest})
	}
	local, _, _ := strings.Cut(email, "@")
	names := []struct{ name, why string }{
		{login, "is a form of your user ID"},
		{local, "is a form of your email address"},
		{email, "is a form of your email address"},
		{agency, "is a form of the name of your agency"},
		{product, "is a form of the name of the product"},
	}
	for _, of := range names {
		if formOf(text, of.name) {
			return refused("password.common", countersign.Args{"Why": of.why})
		}
	}
	if distinct(text) < 4 {
		return refused("password.common", countersign.Args{"Why": "has hardly any different characters"})
	}
	if inCommon(text) {
		return refused("password.common", countersign.Args{"Why": mostUsed})
	}
	if hidesCommon(text) {
		return refused("password.common", countersign.Args{"Why": madeOfMostUsed})
	}
	return nil
}

func distinct(text string) int {
	runes := []rune(text)
	slices.Sort(runes)
	return len(slices.Compact(runes))
}

// A glyph is one character as typed, and the letter that it may represent.
type glyph struct{ typed, read rune }

// disguises maps signs to the letters that people replace with them; 1, i and l are all
// read as l.
var disguises = map[rune]rune{
	'0': 'o', '1': 'l', '!': 'l', '|': 'l', 'i': 'l', '3': 'e', '4': 'a', '@': 'a', '5': 's', '$': 's', '7': 't', '+': 't', '8': 'b',
}

// glyphs returns the characters of a text in lower case, without those that only
// separate words.
func glyphs(text string) (all []glyph) {
	for _, typed := range strings.ToLower(text) {
		read, disguised := disguises[typed]
		switch {
		case disguised:
			all = append(all, glyph{typed, read})
		case unicode.IsLetter(typed) || unicode.IsDigit(typed):
			all = append(all, glyph{typed, typed})
		}
	}
	return all
}

// formOf reports whether a password is a name, or some of its words, in any order and
// number, with nothing but digits and signs around them.
func formOf(password, name string) bool {
	all := glyphs(password)
	named := make([]bool, len(all))
	for _, word := range words(norm.NFC.String(name)) {
		for i := 0; i+len(word) <= len(all); i++ {
			if slices.EqualFunc(all[i:i+len(word)], word, func(a, b glyph) bool { return a.read == b.read }) {
				for j := range word {
					named[i+j] = true
				}
			}
		}
	}
	for i, g := range all {
		if !named[i] && unicode.IsLetter(g.typed) {
			return false
		}
	}
	return slices.Contains(named, true)
}

// words returns a name as a whole and its single words, except numbers and words of one
// or two characters, which are in many good passwords.
func words(name string) (all [][]glyph) {
	if whole := glyphs(name); len(whole) >= 3 {
		all = append(all, whole)
	}
	for _, field := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if word := glyphs(field); len(word) >= 3 && strings.ContainsFunc(field, unicode.IsLetter) {
			all = append(all, word)
		}
	}
	return all
}
