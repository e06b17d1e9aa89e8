package countersign

import "regexp"

// phoneNumber matches a phone number within a sentence.
var phoneNumber = regexp.MustCompile(`\+?\(?[0-9][0-9 ().-]{5,18}[0-9]`)

// setting matches the name of a setting on the command line: --smtp-url.
var setting = regexp.MustCompile(`\B--[a-z]+(?:-[a-z]+)*`)

// A Piece is a part of a text. One that is Whole must not break over two lines.
type Piece struct {
	Text  string
	Whole bool
}

// FindPhone returns where the first phone number in a text begins and ends, nil
// if there is none.
func FindPhone(text string) []int { return phoneNumber.FindStringIndex(text) }

// Pieces splits a text, so that its phone numbers and names of settings, which
// have hyphens and spaces, can be kept on one line.
func Pieces(text string) []Piece {
	var pieces []Piece
	for text != "" {
		at := FindPhone(text)
		if name := setting.FindStringIndex(text); at == nil || name != nil && name[0] < at[0] {
			at = name
		}
		if at == nil {
			return append(pieces, Piece{Text: text})
		}
		if at[0] > 0 {
			pieces = append(pieces, Piece{Text: text[:at[0]]})
		}
		pieces = append(pieces, Piece{Text: text[at[0]:at[1]], Whole: true})
		text = text[at[1]:]
	}
	return pieces
}
