package secret

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"countersign"
)

// CheckNew says beside the field new_password why a password can't be chosen:
// too short or too long in code points (PW-03), or a form of the user ID, the
// address, the agency or the product (PW-04); nil if it can.
func CheckNew(password string, shortest int, login, email, agency, product string) error {
	password = norm.NFC.String(password)
	n := utf8.RuneCountInString(password)
	refuse := func(code string, args countersign.Args) error {
		return &countersign.Error{Kind: countersign.Invalid, Code: code, Field: "new_password", Args: args}
	}
	switch {
	case n < shortest:
		return refuse("password.short", countersign.Args{"Length": n, "Min": shortest})
	case n > longest || len(password) > widest:
		return refuse("password.long", countersign.Args{"Length": n, "Max": longest})
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
		if formOf(password, of.name) {
			return refuse("password.common", countersign.Args{"Why": of.why})
		}
	}
	if distinct(password) < 4 {
		return refuse("password.common", countersign.Args{"Why": "has hardly any different characters"})
	}
	return nil
}

// formOf tells whether a password is a name, once or several times, with
// nothing but digits and signs around it.
func formOf(password, name string) bool {
	core, folded := bare(password), bare(name)
	if len(folded) < 3 || core == "" {
		return false
	}
	return strings.ReplaceAll(core, folded, "") == ""
}

// bare is the letters of a text in lower case, with the usual digits read as letters.
func bare(text string) string {
	text = strings.TrimFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) })
	text = strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "@", "a", "5", "s", "$", "s", "7", "t").Replace(text)
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, text)
}

func distinct(text string) int {
	runes := []rune(text)
	slices.Sort(runes)
	return len(slices.Compact(runes))
}
