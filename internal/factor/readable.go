package factor

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// Readable returns an address as people write it: an internationalized domain, stored
// as punycode, in its own letters. A domain that could be mistaken for another one
// stays punycode: with letters of several scripts in one label, with rare Latin ones,
// or with nothing but letters that look like Latin ones.
func Readable(address string) string {
	at := strings.LastIndexByte(address, '@')
	domain := address[at+1:]
	if at < 0 || !strings.Contains(domain, "xn--") {
		return address
	}
	labels := strings.Split(domain, ".")
	for i, label := range labels {
		labels[i] = readableLabel(label)
	}
	readable := strings.Join(labels, ".")
	if back, err := idna.Lookup.ToASCII(readable); err != nil || back != domain {
		return address
	}
	return address[:at+1] + readable
}

func readableLabel(label string) string {
	if !strings.HasPrefix(label, "xn--") {
		return label
	}
	text, err := idna.Lookup.ToUnicode(label)
	if err != nil || misleading(text) {
		return label
	}
	return text
}

// together are the scripts that one word may mix.
var together = [][]string{{"Han", "Hiragana", "Katakana"}, {"Han", "Bopomofo"}, {"Han", "Hangul"}}

// alike are letters that look like Latin ones.
const alike = "асԁеһіјӏорԛѕԝхуъьгпт" + "αιοκνρτυχγεω"

// misleading reports whether a label may be mistaken for another one.
func misleading(label string) bool {
	var scripts []string
	odd, latinLike := false, true
	for _, r := range label {
		script := scriptOf(r)
		if script == "" {
			continue
		}
		if !slices.Contains(scripts, script) {
			scripts = append(scripts, script)
		}
		odd = odd || script == "Latin" && r > 'z' && !usual(r)
		latinLike = latinLike && (script == "Latin" || strings.ContainsRune(alike, r))
	}
	switch {
	case odd || len(scripts) == 0:
		return true
	case len(scripts) == 1:
		return scripts[0] != "Latin" && latinLike
	}
	return !slices.ContainsFunc(together, func(set []string) bool {
		return !slices.ContainsFunc(scripts, func(s string) bool { return !slices.Contains(set, s) })
	})
}

// usual reports whether a Latin letter beyond ASCII belongs to a European alphabet
// and is not mistaken for another one.
func usual(r rune) bool {
	return r >= 'ß' && r <= 'ž' && !strings.ContainsRune("ıĸŉŋ", r)
}

// scriptOf returns the script of a letter; empty for digits, hyphens and marks.
func scriptOf(r rune) string {
	if !unicode.IsLetter(r) {
		return ""
	}
	for name, table := range unicode.Scripts {
		if name != "Common" && name != "Inherited" && unicode.Is(table, r) {
			return name
		}
	}
	return ""
}
