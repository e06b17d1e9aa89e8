package main

import "testing"

func TestAChangeIsMadeInItsFunctionOnly(t *testing.T) {
	const file = "package p\n\nfunc one() bool {\n\treturn true\n}\n\nfunc (x X) two() bool {\n\treturn true\n}\n"
	all, err := parse("# a table\n\nAA-01 p.go:two TestTwo ./p\n- return true\n+ return false\n")
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	got, err := all[0].apply(file)
	if want := "package p\n\nfunc one() bool {\n\treturn true\n}\n\nfunc (x X) two() bool {\n\treturn false\n}\n"; err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
	all[0].Func = ""
	if _, err := all[0].apply(file); err == nil {
		t.Error("a text that is found twice was changed")
	}
	all[0].Func = "three"
	if _, err := all[0].apply(file); err == nil {
		t.Error("a function that does not exist was changed")
	}
	for _, wrong := range []string{"AA-01 p.go TestTwo\n- a\n+ b\n", "AA-01 p.go TestTwo ./p\n"} {
		if _, err := parse(wrong); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

// TestEveryChangeIsFoundInTheCode fails when code moves away from its row in the table, so
// that make mutate never loses a requirement.
func TestEveryChangeIsFoundInTheCode(t *testing.T) {
	t.Chdir("../..")
	if err := run("", 1, true, true); err != nil {
		t.Error(err)
	}
}
