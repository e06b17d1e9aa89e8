package secret

import (
	"bytes"
	"compress/gzip"
	_ "embed" // for the list
	"io"
	"strings"
	"sync"
)

// The passwords that most people use, in lower case, the most frequent first,
// one on each line. docs/passwords.md says where they come from; common.LICENSE under which
// licenses; scripts/common-passwords makes the file anew.
//
//go:embed common.txt.gz
var commonList []byte

// commonText is the list as text.
func commonText() string {
	r, err := gzip.NewReader(bytes.NewReader(commonList))
	if err != nil {
		panic(err) // embedded at build time
	}
	text, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// common is the list, unpacked when it is first asked.
var common = sync.OnceValue(func() map[string]struct{} {
	all := map[string]struct{}{}
	for line := range strings.Lines(commonText()) {
		all[strings.TrimSuffix(line, "\n")] = struct{}{}
	}
	return all
})

// inCommon tells whether the whole of a password, in any case, is one of the
// list, or one of it again and again (PW-04). A password that only contains one
// is not: "horse" is in the list.
func inCommon(password string) bool {
	text := strings.ToLower(password)
	for size := 1; size <= len(text); size++ {
		if len(text)%size != 0 || strings.Repeat(text[:size], len(text)/size) != text {
			continue
		}
		if _, ok := common()[text[:size]]; ok {
			return true
		}
	}
	return false
}
