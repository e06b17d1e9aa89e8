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

// A list is the most used passwords, each with its place in it from 1 on, and
// how many bytes the longest has.
type list struct {
	places  map[string]int
	longest int
}

// common is the list, unpacked when it is first asked.
var common = sync.OnceValue(func() list {
	all := list{places: map[string]int{}}
	for line := range strings.Lines(commonText()) {
		word := strings.TrimSuffix(line, "\n")
		all.places[word] = len(all.places) + 1
		all.longest = max(all.longest, len(word))
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
		if _, ok := common().places[text[:size]]; ok {
			return true
		}
	}
	return false
}
