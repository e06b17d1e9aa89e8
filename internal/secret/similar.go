package secret

import (
	"strings"
	"unicode/utf8"

	"countersign"
)

// CheckNew is the function CheckNew, and refuses what the operator's list of
// stolen passwords holds as well. A password that is too short and hides one of
// the most used is told both (password.short_guessed): adding to it would not
// make it better.
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

// hidesCommon tells whether a password is one or a few of the most used ones
// between digits and signs, or with signs in the place of letters:
// "Summer2026!", "P4ssw0rd!!". It is read in time that grows with its length alone.
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

// Weak says why a password that is right should be another one: it is in a list
// of stolen or of common passwords. nil if nothing speaks against it. Its user
// is asked, and never kept out.
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

// mostUsed is why a password of the list is refused.
const mostUsed = "is among the most used"

// madeOfMostUsed is why a password is refused that has no more than that.
const madeOfMostUsed = "is made of the most used ones or of rows of keys"
