package smpp

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// equivalents maps characters outside of the default alphabet to what people write instead.
var equivalents = func() map[rune]string {
	all := map[rune]string{}
	for to, from := range map[string]string{
		"'": "\u2018\u2019\u201a\u201b\u2032\u00b4\u02b9\u02bb\u02bc\uff07`", "\"": "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033",
		"<": "\u2039", ">": "\u203a", "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043", "*": "\u2022\u00b7\u2217\u00d7",
		"...": "\u2026", "(C)": "\u00a9", "(R)": "\u00ae", "TM": "\u2122", " ": "\t", "/": "\u2044", "oe": "\u0153", "OE": "\u0152",
		"l": "\u0142", "L": "\u0141", "d": "\u0111\u00f0", "D": "\u0110\u00d0", "i": "\u0131", "h": "\u0127", "H": "\u0126",
		"th": "\u00fe", "Th": "\u00de", "ss": "\u1e9e", "a": "\u00aa", "o": "\u00ba", "No.": "\u2116",
	} {
		for _, r := range from {
			all[r] = to
		}
	}
	return all
}()

// Plainer returns a text in the default alphabet, if its curly quotes, dashes, accents and the
// like can be written another way. A text with other characters is returned unchanged, since
// it needs the other alphabet anyway.
func Plainer(text string) string {
	if Plain(text) {
		return text
	}
	var all strings.Builder
	for _, r := range norm.NFC.String(text) {
		plain, ok := plainer(r)
		if !ok {
			return text
		}
		all.WriteString(plain)
	}
	return all.String()
}

func plainer(r rune) (string, bool) {
	if Plain(string(r)) {
		return string(r), true
	}
	if plain, ok := equivalents[r]; ok {
		return plain, true
	}
	switch {
	case unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r): // joiners, direction marks, soft hyphens
		return "", true
	case unicode.Is(unicode.Zs, r):
		return " ", true
	}
	var all strings.Builder
	for _, part := range norm.NFKD.String(string(r)) {
		if unicode.Is(unicode.Mn, part) {
			continue
		}
		plain := string(part)
		if !Plain(plain) {
			plain = equivalents[part]
		}
		all.WriteString(plain)
	}
	return all.String(), all.Len() > 0 && Plain(all.String())
}
