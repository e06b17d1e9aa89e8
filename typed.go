package countersign

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// rightToLeftOverride is U+202E: text behind it is shown from right to left, so that people
// see something other than what is stored. It is refused, never dropped.
const rightToLeftOverride = '\u202e'

// CleanText returns the stored form of free text: composed (NFC), without surrounding space,
// with a plain space for each kind of space, and without invisible characters, which come
// along when text is pasted. It keeps line breaks, and U+202E for IsLine to refuse.
func CleanText(typed string) string { return clean(norm.NFC.String(typed), false) }

// CleanID returns the form in which a user ID, address, number or code is stored and
// compared: CleanText with full-width and other compatibility forms as plain characters (NFKC).
func CleanID(typed string) string { return clean(norm.NFKC.String(typed), true) }

func clean(text string, plain bool) string {
	var b strings.Builder
	before := rune(0)
	for _, r := range text {
		switch {
		case unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
		case zeroWidth(r) && (plain || !joins(before, r)):
			continue
		default:
			b.WriteRune(r)
		}
		before = r
	}
	return strings.TrimSpace(b.String())
}

// zeroWidth reports whether r is invisible. Signs that enclose the digits after them are
// visible.
func zeroWidth(r rune) bool {
	return r != rightToLeftOverride && (unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector))
}

// joins reports whether names need r: joiners after a letter of scripts that are written
// with them, and the variants of Han characters.
func joins(before, r rune) bool {
	switch {
	case r == '\u200c' || r == '\u200d':
		return unicode.In(before, unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi,
			unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Khmer)
	case unicode.Is(unicode.Variation_Selector, r):
		return unicode.In(before, unicode.Han, unicode.Mongolian)
	}
	return false
}

// IsLine reports whether text fits on one line and is shown as it is stored: it has no
// control characters, no line breaks and no U+202E.
func IsLine(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == rightToLeftOverride || r == unicode.ReplacementChar
	})
}

// Character names r for people who can't tell it from another character: “А” (U+0410). An
// invisible one is named by its number alone.
func Character(r rune) string {
	if unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.M, r) {
		return fmt.Sprintf("“%c” (U+%04X)", r, r)
	}
	return fmt.Sprintf("U+%04X", r)
}
