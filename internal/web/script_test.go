package web

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// acorn is the JavaScript parser that scripts/install-test-tools downloads.
const acorn = "../../.cache/acorn-8.15.0/acorn.js"

// Safari 15, Chrome 100 and Firefox 90 can run the script: its syntax is that of 2020, and it calls
// nothing newer. One construct they can't parse would stop all of it.
func TestScriptIsForOlderBrowsers(t *testing.T) {
	parser, err := filepath.Abs(acorn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(parser); err != nil {
		t.Fatalf("the parser acorn is not there; 'make test' or scripts/install-test-tools fetches it: %v", err)
	}
	text, err := os.ReadFile("static/app.js")
	if err != nil {
		t.Fatal(err)
	}
	parse := func(source string) error {
		node := exec.Command("node", "-e", `require(process.argv[1]).parse(require("fs").readFileSync(0, "utf8"), {ecmaVersion: 2020})`, parser)
		node.Stdin = strings.NewReader(source)
		return node.Run()
	}
	if err := parse(string(text)); err != nil {
		t.Errorf("older browsers can't read the script: %v", err)
	}
	for _, newer := range []string{"let a; a ??= 1", "class A { static { } }", "class A { #a = 1 }", "await 1"} {
		if parse(newer) == nil {
			t.Errorf("the parser takes %q", newer)
		}
	}
	code := regexp.MustCompile(`(?m)//.*$`).ReplaceAllString(string(text), "")
	if found := newerCalls.FindAllString(code, -1); found != nil {
		t.Errorf("older browsers lack %q", found)
	}
}

// newerCalls matches what the oldest of those browsers lack, and lookbehind, which Safari can't
// parse before 16.4.
var newerCalls = regexp.MustCompile(`requestSubmit|replaceAll|\.at\(|structuredClone|hasOwn\b|toJSON|FromJSON|findLast|toSorted|toReversed|AbortSignal|\(\?<|:has\(|checkVisibility|replaceChildren`)
