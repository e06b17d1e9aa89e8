package textfile

import (
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf16"
)

// utf16Bytes returns text in UTF-16, little-endian or big-endian.
func utf16Bytes(text string, little bool) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		high, low := byte(unit>>8), byte(unit)
		if little {
			high, low = low, high
		}
		b.WriteByte(high)
		b.WriteByte(low)
	}
	return b.String()
}

func TestDecode(t *testing.T) {
	t.Parallel()
	const text = "user_id,name\r\nBSMITH,Zoë Müller 😀\r\n"
	for kind, data := range map[string]string{
		"UTF-8":                             text,
		"UTF-8 with a mark":                 "\ufeff" + text,
		"UTF-16, little-endian with a mark": utf16Bytes("\ufeff"+text, true),
		"UTF-16, big-endian with a mark":    utf16Bytes("\ufeff"+text, false),
		"UTF-16, little-endian":             utf16Bytes(text, true),
		"UTF-16, big-endian":                utf16Bytes(text, false),
	} {
		got, err := Decode([]byte(data))
		if err != nil || got != text {
			t.Errorf("%s: %q, %v", kind, got, err)
		}
		if strings.Contains(kind, "mark") || kind == "UTF-8" {
			streamed, err := io.ReadAll(NewReader(strings.NewReader(data)))
			if err != nil || string(streamed) != text {
				t.Errorf("%s, as a stream: %q, %v", kind, streamed, err)
			}
		}
	}
	for kind, data := range map[string]string{
		"Windows-1252":       "M\xfcller",
		"a program":          "\x7fELF\x02\x01\x00\x00",
		"half a unit":        utf16Bytes("\ufeffab", true) + "c",
		"zero bytes":         "password\x00",
		"a cut UTF-8 letter": "M\xc3",
		"UTF-32 with a mark": "\xff\xfe\x00\x00a\x00\x00\x00",
	} {
		if got, err := Decode([]byte(data)); !errors.Is(err, ErrEncoding) {
			t.Errorf("%s is read as %q, %v", kind, got, err)
		}
	}
	if got, err := Decode(nil); err != nil || got != "" {
		t.Errorf("nothing is read as %q, %v", got, err)
	}
}

func TestDecodeAs(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{"windows-1252": "M\xfcller \x80", "CP850": "M\x81ller", "macintosh": "M\x9fller", "iso-8859-15": "M\xfcller \xa4"} {
		if got, err := DecodeAs([]byte(data), name); err != nil || !strings.HasPrefix(got, "Müller") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name := range codePages {
		if !strings.Contains(", "+CodePages+",", ", "+name+",") || !IsCodePage(strings.ToUpper(name)) {
			t.Errorf("%s is not told", name)
		}
	}
	if _, err := DecodeAs([]byte("x"), "ebcdic"); !errors.Is(err, ErrEncoding) {
		t.Errorf("an unknown code page: %v", err)
	}
	if _, err := DecodeAs([]byte("a\x81b"), "windows-1252"); !errors.Is(err, ErrEncoding) {
		t.Errorf("a byte that the page lacks: %v", err)
	}
}
