package secret

import (
	"bytes"
	"compress/gzip"
	_ "embed" // for the list
	"io"
	"strings"
	"sync"
)

// The passwords that most people use, in lower case, the most frequent first, one on
// each line. docs/passwords.md names their sources, common.LICENSE their licenses;
// scripts/common-passwords makes the file.
//
//go:embed common.txt.gz
var commonList []byte

// commonText returns the list as text.
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

// A list holds the most used passwords, each with its rank, counted from 1, and the
// length of the longest in bytes.
type list struct {
	places  map[string]int
	longest int
}

// common returns the list; the first call unpacks it.
var common = sync.OnceValue(func() list {
	all := list{places: map[string]int{}}
	for line := range strings.Lines(commonText()) {
		word := strings.TrimSuffix(line, "\n")
		all.places[word] = len(all.places) + 1
		all.longest = max(all.longest, len(word))
	}
	return all
})

// inCommon reports whether a whole password, in any case, is in the list, or repeats
// one of it (PW-04). A password that only contains one is not: "horse" is in the list.
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
