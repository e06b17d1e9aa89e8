package factor

import (
	"strings"
	"unicode"

	"countersign"
)

// ParseToken reads what was typed into a token field. It drops spaces, hyphens and
// invisible characters, and maps digits of other scripts to ASCII. ok is false unless
// six digits remain.
func ParseToken(typed string) (token string, ok bool) {
	if len(typed) > 256 {
		return "", false
	}
	var digits strings.Builder
	for _, r := range countersign.CleanID(typed) {
		switch {
		case unicode.Is(unicode.Nd, r):
			digits.WriteByte(byte('0' + digitOf(r)))
		case unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || r == '\u2212':
		default:
			return "", false
		}
	}
	return digits.String(), digits.Len() == 6
}

// digitOf returns the value of a decimal digit: Unicode has digits in runs of ten.
func digitOf(r rune) int {
	for value := 0; value <= 9; value++ {
		if !unicode.Is(unicode.Nd, r-rune(value)-1) || value == 9 {
			return value
		}
	}
	return 0
}
