package main

import (
	"strings"
	"testing"
)

// Each changed function checks which change is active, passes its arguments on, and keeps its own
// body beside a copy for each change.
func TestFunctionsGetASwitch(t *testing.T) {
	const file = `package p

func (t) one(_ int, names ...string) (bool, error) {
	return len(names) > 0, nil
}

func two(n int) { println(n + 1) }
`
	got, pkg, err := schema("p.go", file, map[int]mutant{
		3: {Func: "one", Before: "> 0", After: ">= 0"},
		4: {Func: "one", Before: "nil", After: "errLost"},
		7: {Func: "two", Before: "+ 1", After: "- 1"},
	})
	if err != nil || pkg != "p" {
		t.Fatalf("package %q, %v", pkg, err)
	}
	for _, want := range []string{
		`func (r__ t) one(p__0 int, names ...string) (bool, error) { if mutant__ == "3" { return r__.one__3(p__0, names...) };`,
		`if mutant__ == "4" { return r__.one__4(p__0, names...) };`,
		"return len(names) > 0, nil",
		"func (t) one__3(_ int, names ...string) (bool, error) {\n\treturn len(names) >= 0, nil",
		"return len(names) > 0, errLost",
		`func two(n int) { if mutant__ == "7" { two__7(n); return };  println(n + 1) }`,
		"func two__7(n int) { println(n - 1) }",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if _, _, err := schema("p.go", file, map[int]mutant{1: {Func: "two", Before: "n", After: "m"}}); err == nil {
		t.Error("a text that is found twice was changed")
	}
}
