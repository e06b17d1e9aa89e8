package main

import (
	"fmt"
	"strings"
)

// A mutant is one change of the product, and the test that must fail with it.
type mutant struct {
	ID            string // the requirement
	File, Func    string // where; Func: within this function only
	Test, Package string
	Before, After string
}

func (m mutant) place() string {
	if m.Func == "" {
		return m.File
	}
	return m.File + ":" + m.Func
}

// parse reads the table. Each change has a line "ID FILE[:FUNC] TEST PACKAGE", a line "- " with the
// old text and a line "+ " with the new text. Empty lines and lines that begin with # are ignored.
func parse(text string) (all []mutant, err error) {
	for i, line := range strings.Split(text, "\n") {
		last := len(all) - 1
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "- ") && last >= 0:
			all[last].Before = line[2:]
		case line == "+" && last >= 0:
			all[last].After = ""
		case strings.HasPrefix(line, "+ ") && last >= 0:
			all[last].After = line[2:]
		default:
			f := strings.Fields(line)
			if len(f) != 4 {
				return nil, fmt.Errorf("line %d: want a requirement, a file, a test and a package: %q", i+1, line)
			}
			file, in, _ := strings.Cut(f[1], ":")
			all = append(all, mutant{ID: f[0], File: file, Func: in, Test: f[2], Package: f[3]})
		}
	}
	for _, m := range all {
		if m.Before == "" {
			return nil, fmt.Errorf("%s at %s does not say what is changed", m.ID, m.place())
		}
	}
	return all, nil
}

// apply makes the change in the text of its file, which must contain the old text once.
func (m mutant) apply(text string) (string, error) {
	from, to := 0, len(text)
	if m.Func != "" {
		from = declaration(text, m.Func)
		if from < 0 {
			return "", fmt.Errorf("%s has no function %s", m.File, m.Func)
		}
		if end := strings.Index(text[from:], "\n}"); end >= 0 {
			to = from + end
		}
	}
	body := text[from:to]
	if n := strings.Count(body, m.Before); n != 1 {
		return "", fmt.Errorf("%s has %q %d times, want once", m.place(), m.Before, n)
	}
	return text[:from] + strings.Replace(body, m.Before, m.After, 1) + text[to:], nil
}

// declaration returns the offset of a function or method, or -1.
func declaration(text, name string) int {
	for at := 0; ; {
		i := strings.Index(text[at:], "\nfunc ")
		if i < 0 {
			return -1
		}
		at += i + 1
		line, _, _ := strings.Cut(text[at:], "\n")
		if strings.HasPrefix(line, "func "+name+"(") || strings.HasPrefix(line, "func (") && strings.Contains(line, ") "+name+"(") {
			return at
		}
	}
}
