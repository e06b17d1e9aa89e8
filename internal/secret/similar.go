package secret

import (
	"strings"
	"unicode/utf8"

	"countersign"
)

// CheckNew is the function CheckNew, and also rejects what is in the operator's list of
// stolen passwords. For a password that is too short and hides one of the most used, the
// error says both (password.short_guessed): making it longer would not make it better.
func (p *Passwords) CheckNew(password string, shortest int, login, email, agency, product string) error {
	err := CheckNew(password, shortest, login, email, agency, product)
	if err == nil && p.Breached.Has(password) {
		return refused("password.breached", nil)
	}
	if e, ok := err.(*countersign.Error); ok && e.Code == "password.short" && hidesCommon(password) {
		return refused("password.short_guessed", e.Args)
	}
	return err
}

// hidesCommon reports whether a password is one or a few of the most used ones between
// digits and signs, or with signs in place of letters: "Summer2026!", "P4ssw0rd!!". Its
// time depends only on the length.
func hidesCommon(password string) bool {
	if utf8.RuneCountInString(password) >= shortPart && madeOfCommon(password) {
		return true
	}
	bare := strings.TrimFunc(password, notLetter)
	if len([]rune(bare)) >= 4 && inCommon(bare) {
		return true
	}
	var read strings.Builder
	for _, g := range glyphs(strings.TrimRightFunc(password, notLetter)) {
		read.WriteRune(g.read)
	}
	return read.Len() >= 4 && inCommon(read.String())
}

// Weak returns why a correct password should be replaced: it is in a list of stolen or
// common passwords; nil otherwise. Users are asked to change it, but may sign in.
func (p *Passwords) Weak(password string) error {
	switch {
	case p.Breached.Has(password):
		return refused("password.breached", nil)
	case inCommon(password), hidesCommon(password):
		return refused("password.common", countersign.Args{"Why": mostUsed})
	default:
		return nil
	}
}

// mostUsed is why a listed password is rejected.
const mostUsed = "is among the most used"

// madeOfMostUsed is why a password that consists of listed ones is rejected.
const madeOfMostUsed = "is made of the most used ones or of rows of keys"
