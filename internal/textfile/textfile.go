// Package textfile reads text files as Windows, Excel, mail programs and Unix
// write them: UTF-8 with or without a byte order mark, UTF-16, and older code pages.
package textfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// ErrEncoding means that a file is neither UTF-8 nor UTF-16.
var ErrEncoding = errors.New("it is not a text file in UTF-8 or UTF-16; save it as UTF-8")

// Read returns the text of the file at path. It returns ErrEncoding for other files.
func Read(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return Decode(data)
}

// Decode returns the text of a file in UTF-8 or UTF-16, without its byte order mark, or
// ErrEncoding. It recognizes UTF-16 without a mark by the zero bytes of the first two
// characters.
func Decode(data []byte) (string, error) {
	decoded := data
	if e := utf16Of(data); e != nil {
		var err error
		if decoded, err = e.NewDecoder().Bytes(data); err != nil || len(data)%2 != 0 {
			return "", ErrEncoding
		}
	}
	decoded = bytes.TrimPrefix(decoded, []byte("\ufeff"))
	if !utf8.Valid(decoded) || bytes.IndexByte(decoded, 0) >= 0 {
		return "", ErrEncoding
	}
	return string(decoded), nil
}

// utf16Of returns the kind of UTF-16 with which a file begins; nil for none.
func utf16Of(data []byte) encoding.Encoding {
	if len(data) < 2 {
		return nil
	}
	switch first := binary.BigEndian.Uint16(data); {
	case first == 0xfeff, len(data) >= 4 && data[0] == 0 && data[1] != 0 && data[2] == 0 && data[3] != 0:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	case first == 0xfffe, len(data) >= 4 && data[0] != 0 && data[1] == 0 && data[2] != 0 && data[3] == 0:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	}
	return nil
}

// NewReader returns r as UTF-8: it decodes what begins with a byte order mark, and
// passes on anything else unchanged. Use it for files too large for Decode.
func NewReader(r io.Reader) io.Reader {
	return transform.NewReader(r, unicode.BOMOverride(transform.Nop))
}

// codePages maps names that people use to the encodings of files that older programs
// write.
var codePages = map[string]*charmap.Charmap{
	"windows-1250": charmap.Windows1250, "windows-1251": charmap.Windows1251, "windows-1252": charmap.Windows1252,
	"iso-8859-1": charmap.ISO8859_1, "iso-8859-15": charmap.ISO8859_15,
	"cp437": charmap.CodePage437, "cp850": charmap.CodePage850, "macintosh": charmap.Macintosh,
}

// CodePages lists the names that DecodeAs accepts.
const CodePages = "windows-1250, windows-1251, windows-1252, iso-8859-1, iso-8859-15, cp437, cp850, macintosh"

// IsCodePage reports whether name is one of CodePages, in any case.
func IsCodePage(name string) bool { return codePages[strings.ToLower(name)] != nil }

// DecodeAs returns the text of a file in the named code page. It returns ErrEncoding
// for an unknown name, and for bytes that the code page does not define.
func DecodeAs(data []byte, name string) (string, error) {
	page := codePages[strings.ToLower(name)]
	if page == nil {
		return "", ErrEncoding
	}
	text, err := page.NewDecoder().Bytes(data)
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) || bytes.IndexByte(text, 0) >= 0 {
		return "", ErrEncoding
	}
	return string(text), nil
}
