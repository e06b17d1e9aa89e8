package smpp

import (
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf16"
)

// basic is the default alphabet of GSM 03.38; a character's position is its code.
const basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

const escape = 0x1b

// extension maps characters to the code that follows an escape.
var extension = map[rune]byte{'^': 0x14, '{': 0x28, '}': 0x29, '\\': 0x2f, '[': 0x3c, '~': 0x3d, ']': 0x3e, '|': 0x40, '€': 0x65}

var codes = func() map[rune]byte {
	all := map[rune]byte{}
	place := byte(0)
	for _, r := range basic {
		if r != escape {
			all[r] = place
		}
		place++
	}
	return all
}()

// encodeGSM encodes a text in the default alphabet, one octet per character, or two with an escape;
// false if it contains other characters.
func encodeGSM(text string) ([]byte, bool) {
	var all []byte
	for _, r := range text {
		if code, ok := codes[r]; ok {
			all = append(all, code)
		} else if code, ok := extension[r]; ok {
			all = append(all, escape, code)
		} else {
			return nil, false
		}
	}
	return all, true
}

// encodeUCS2 encodes a text as UTF-16, which has every character.
func encodeUCS2(text string) []byte {
	var all []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		all = binary.BigEndian.AppendUint16(all, unit)
	}
	return all
}

// The codings of a text, and how many octets one message holds: alone, and as one of several
// parts.
const (
	codingGSM  = 0
	codingUCS2 = 8

	wholeGSM, partGSM   = 160, 153
	wholeUCS2, partUCS2 = 140, 134
)

// Plain reports whether the default alphabet suffices for a text.
func Plain(text string) bool {
	_, ok := encodeGSM(text)
	return ok
}

// Parts returns how many messages a text needs.
func Parts(text string) int {
	parts, _ := split(text, 0)
	return len(parts)
}

// Measure returns how many characters of one message a text fills, and how many there are: 160
// in the default alphabet, where some count twice, otherwise 70.
func Measure(text string) (filled, room int) {
	if bytes, ok := encodeGSM(text); ok {
		return len(bytes), wholeGSM
	}
	return len(encodeUCS2(text)) / 2, wholeUCS2 / 2
}

// Foreign returns the characters of a text that are not in the default alphabet, each once.
func Foreign(text string) string {
	var all []rune
	for _, r := range text {
		if !Plain(string(r)) && !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return string(all)
}

// split splits a text into the parts of one or several messages.
func split(text string, reference byte) (parts [][]byte, coding int) {
	bytes, ok := encodeGSM(strings.ReplaceAll(text, "\r\n", "\n"))
	coding, whole, part := codingGSM, wholeGSM, partGSM
	if !ok {
		bytes, coding, whole, part = encodeUCS2(text), codingUCS2, wholeUCS2, partUCS2
	}
	if len(bytes) <= whole {
		return [][]byte{bytes}, coding
	}
	var pieces [][]byte
	for len(bytes) > part {
		at := part
		if coding == codingGSM && bytes[at-1] == escape || coding == codingUCS2 && bytes[at-2]&0xfc == 0xd8 {
			at -= map[int]int{codingGSM: 1, codingUCS2: 2}[coding] // don't split a character
		}
		pieces, bytes = append(pieces, bytes[:at]), bytes[at:]
	}
	pieces = append(pieces, bytes)
	for i, p := range pieces {
		head := []byte{5, 0, 3, reference, byte(len(pieces)), byte(i + 1)}
		parts = append(parts, append(head, p...))
	}
	return parts, coding
}
