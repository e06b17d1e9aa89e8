package secret

import (
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The cost of the parts of a password for someone who guesses, in bits. A listed password
// costs the bits of its rank in the list: 16 at most.
const (
	tooCheap  = 48 // three listed passwords cost at most this; four rare ones are a passphrase
	rowBits   = 6  // a run on the keyboard, in the alphabet or in counting
	otherBits = 6  // a digit or sign outside of a run, in a password without letters
	shortPart = 4  // characters of the shortest listed password to look for within another
	shortRow  = 3  // characters of the shortest run
)

// rows are the sequences of keyboards, the alphabet and counting. The digits are there
// twice, so that a run of any length consists of few of them.
const rows = "12345678901234567890 abcdefghijklmnopqrstuvwxyz !@#$%^&*()_+ " +
	"qwertyuiop asdfghjkl zxcvbnm qwertzuiop yxcvbnm azertyuiop qsdfghjklm wxcvbn"

// back is rows from right to left.
var back = func() string {
	text := []byte(rows)
	for i, j := 0, len(text)-1; i < j; i, j = i+1, j-1 {
		text[i], text[j] = text[j], text[i]
	}
	return string(text)
}()

// The signs that represent letters. readI reads 1 and ! as i, readL as l. None changes the
// number of bytes.
var (
	readI = strings.NewReplacer("0", "o", "1", "i", "!", "i", "3", "e", "4", "a", "@", "a", "5", "s", "$", "s", "7", "t")
	readL = strings.NewReplacer("0", "o", "1", "l", "!", "l", "3", "e", "4", "a", "@", "a", "5", "s", "$", "s", "7", "t")
)

// madeOfCommon reports whether a password consists of listed ones and runs, with digits,
// signs and repeats around and between them: "Password1234567", "qwertyuiopasdfgh"
// (PW-04). It accepts a passphrase, and parts so many or so rare that guessing them is
// expensive. A repeated text counts once.
func madeOfCommon(password string) bool {
	text := collapseRepeats(strings.ToLower(password))
	if isPassphrase(text) {
		return false
	}
	other, limit := 0, tooCheap
	if !strings.ContainsFunc(text, unicode.IsLetter) {
		other, limit = otherBits, min(tooCheap, 3*utf8.RuneCountInString(text))
	}
	return cheapest(text, other, limit) <= limit
}

// isPassphrase reports whether the words of a text are separated: by spaces, or at least
// three different ones by digits and signs ("orange-tractor-9-piano").
func isPassphrase(text string) bool {
	if strings.ContainsFunc(strings.TrimFunc(text, notLetter), unicode.IsSpace) {
		return true
	}
	words := map[string]bool{}
	for word := range strings.FieldsFuncSeq(text, notLetter) {
		if utf8.RuneCountInString(word) >= shortPart {
			words[word] = true
		}
	}
	return len(words) >= 3
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

// collapseRepeats returns the part that a text repeats from beginning to end, where the
// last repetition may be cut short; the whole text if there is none.
func collapseRepeats(text string) string {
	for size := 1; size <= len(text)/2; size++ {
		if utf8.RuneStart(text[size]) && text[size:] == text[:len(text)-size] {
			return text[:size]
		}
	}
	return text
}

// cheapest returns the lowest cost of composing a text from parts, where a digit or sign
// outside of all parts costs other; more than limit if that is exceeded. paid[i] is the
// cost of the first i bytes, so that the time depends only on the length of the text.
func cheapest(text string, other, limit int) int {
	readings := readingsOf(text)
	paid := make([]int, len(text)+1)
	for i := range paid[1:] {
		paid[i+1] = limit + 1
	}
	var last rune
	for i, r := range text {
		pay := func(size, cost int) { paid[i+size] = min(paid[i+size], paid[i]+cost) }
		if paid[i] <= limit {
			switch {
			case r == last:
				pay(utf8.RuneLen(r), 0)
			case notLetter(r):
				pay(utf8.RuneLen(r), other)
			}
			payRows(text[i:], pay)
			for _, reading := range readings {
				payListed(reading[i:], pay)
			}
		}
		last = r
	}
	return paid[len(text)]
}

// readingsOf returns a text as typed and with its signs read as letters, without
// duplicates.
func readingsOf(text string) []string {
	all := []string{text}
	if read := readI.Replace(text); read != text {
		all = append(all, read)
	}
	if read := readL.Replace(text); read != all[len(all)-1] {
		all = append(all, read)
	}
	return all
}

// payRows calls pay for every run at the beginning of a text.
func payRows(text string, pay func(size, cost int)) {
	longest := max(run(text, rows), run(text, back))
	for size := shortRow; size <= longest; size++ {
		pay(size, rowBits)
	}
}

// run returns how many bytes at the beginning of a text form a run in row; 0 if fewer than
// the shortest run has.
func run(text, row string) (most int) {
	if len(text) < shortRow || strings.Contains(text[:shortRow], " ") {
		return 0
	}
	for {
		at := strings.Index(row, text[:shortRow])
		if at < 0 {
			return most
		}
		row = row[at:]
		size := shortRow
		for size < min(len(text), len(row)) && text[size] == row[size] && row[size] != ' ' {
			size++
		}
		most, row = max(most, size), row[1:]
	}
}

// payListed calls pay for every listed password at the beginning of a text.
func payListed(text string, pay func(size, cost int)) {
	all := common()
	for size := shortPart; size <= min(len(text), all.longest); size++ {
		if place, ok := all.places[text[:size]]; ok && utf8.RuneCountInString(text[:size]) >= shortPart {
			pay(size, bits.Len(uint(place)))
		}
	}
}
