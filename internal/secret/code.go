package secret

import (
	"encoding/hex"
	"strings"
	"unicode"

	"countersign"
)

// codeLetters are the characters of codes that people copy from paper or hear on the
// phone. There are 32, so each holds five bits, and none looks like another.
const codeLetters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// The lengths of codes, in characters of five bits each.
const (
	RecoveryLength   = 24 // 120 bits (RC-01)
	EnrollmentLength = 16 // 80 bits
)

// Code returns a random code of n characters.
func Code(n int) string {
	b := draw(n)
	for i := range b {
		b[i] = codeLetters[int(b[i])%len(codeLetters)] // 256 is a multiple of 32: each is equally likely
	}
	return string(b)
}

// Grouped returns a code as people read it: groups of four with hyphens between.
func Grouped(code string) string {
	var groups []string
	for ; len(code) > 4; code = code[4:] {
		groups = append(groups, code[:4])
	}
	return strings.Join(append(groups, code), "-")
}

// CodeDigest returns the keyed digest of a code, the only form that is stored. It is
// bound to its user: a code is useless for another one.
func (k Key) CodeDigest(kind string, agency countersign.AgencyID, u countersign.UserID, code string) string {
	return hex.EncodeToString(k.MAC(kind+" code", string(agency), string(u), code))
}

// ReadCode reads what was typed as a code of n characters, in upper or lower case, with
// or without spaces and hyphens. It returns false for what can't be such a code.
func ReadCode(typed string, n int) (string, bool) {
	if len(typed) > 16*n {
		return "", false
	}
	code := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Dash, r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, countersign.CleanID(typed))
	if len(code) != n || strings.Trim(code, codeLetters) != "" {
		return "", false
	}
	return code, true
}
