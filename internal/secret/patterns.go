package secret

import (
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a guesser pays for the parts of a password, in bits. A listed password
// costs the bits of its place in the list: 16 at the most.
const (
	tooCheap  = 48 // what three listed passwords cost at the most; four rare ones are a passphrase
	rowBits   = 6  // a run on the keyboard, in the alphabet or in counting
	otherBits = 6  // a digit or sign that continues nothing, where there is no letter
	shortPart = 4  // characters of the shortest listed password that is looked for within another
	shortRow  = 3  // characters of the shortest run
)

// rows are what fingers and counting follow. The digits go round, so that a run
// of any length is made of few of them.
const rows = "12345678901234567890 abcdefghijklmnopqrstuvwxyz !@#$%^&*()_+ " +
	"qwertyuiop asdfghjkl zxcvbnm qwertzuiop yxcvbnm azertyuiop qsdfghjklm wxcvbn"

// back are the rows from right to left.
var back = func() string {
	text := []byte(rows)
	for i, j := 0, len(text)-1; i < j; i, j = i+1, j-1 {
		text[i], text[j] = text[j], text[i]
	}
	return string(text)
}()

// The signs that stand for letters. 1 and ! are read as i by one and as l by the
// other. None changes how many bytes there are.
var (
	readI = strings.NewReplacer("0", "o", "1", "i", "!", "i", "3", "e", "4", "a", "@", "a", "5", "s", "$", "s", "7", "t")
	readL = strings.NewReplacer("0", "o", "1", "l", "!", "l", "3", "e", "4", "a", "@", "a", "5", "s", "$", "s", "7", "t")
)

// madeOfCommon tells whether a password is nothing but listed ones and runs, one
// after the other, with digits, signs and repeats around and between them:
// "Password1234567", "qwertyuiopasdfgh" (PW-04). A passphrase is left alone, and
// so is one of so many or so rare parts that guessing them is dear. What is said
// again and again is judged as said once.
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

// isPassphrase tells whether the words of a text stand apart: by spaces, or at
// least three different ones by digits and signs ("orange-tractor-9-piano").
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

// collapseRepeats is the part that a text repeats from its beginning to its end, where the
// last time may be cut short; the whole text if there is none.
func collapseRepeats(text string) string {
	for size := 1; size <= len(text)/2; size++ {
		if utf8.RuneStart(text[size]) && text[size:] == text[:len(text)-size] {
			return text[:size]
		}
	}
	return text
}

// cheapest is what the cheapest way to put a text together costs, where a digit
// or sign that belongs to no part costs other; more than limit if there is none
// within it. paid[i] is the cost of the first i bytes, so its time grows with
// the length of the text alone.
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

// readingsOf are a text as it was typed and with its signs read as letters,
// each only once.
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

// payRows pays for every run at the beginning of a text.
func payRows(text string, pay func(size, cost int)) {
	longest := max(run(text, rows), run(text, back))
	for size := shortRow; size <= longest; size++ {
		pay(size, rowBits)
	}
}

// run is how many bytes at the beginning of a text stand in a row; 0 if fewer
// than the shortest run has.
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

// payListed pays for every listed password at the beginning of a text.
func payListed(text string, pay func(size, cost int)) {
	all := common()
	for size := shortPart; size <= min(len(text), all.longest); size++ {
		if place, ok := all.places[text[:size]]; ok && utf8.RuneCountInString(text[:size]) >= shortPart {
			pay(size, bits.Len(uint(place)))
		}
	}
}
