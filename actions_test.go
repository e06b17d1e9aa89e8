package countersign_test

import (
	"go/ast"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"countersign"
)

// anAction matches names of actions.
var anAction = regexp.MustCompile(`^[a-z-]+\.[a-z_]+$`)

// actionsIn returns the actions that a file records: literals handed to functions
// named record…, newEvent, Event and RefusedEvent, and those of an Action field.
func actionsIn(s source) (found []string) {
	note := func(n ast.Node) {
		l, ok := n.(*ast.BasicLit)
		if !ok || l.Kind != token.STRING {
			return
		}
		if text, err := strconv.Unquote(l.Value); err == nil && anAction.MatchString(text) {
			found = append(found, text)
		}
	}
	ast.Inspect(s.ast, func(n ast.Node) bool {
		switch e := n.(type) {
		case *ast.CallExpr:
			var name string
			switch f := e.Fun.(type) {
			case *ast.Ident:
				name = f.Name
			case *ast.SelectorExpr:
				name = f.Sel.Name
			}
			switch {
			case name == "Event" || name == "RefusedEvent": // of a visit
				note(e.Args[0])
			case name == "newEvent" || strings.HasPrefix(name, "record"): // the visit, perhaps the actor, the action
				for _, a := range e.Args[min(1, len(e.Args)):min(3, len(e.Args))] {
					note(a)
				}
			}
		case *ast.KeyValueExpr:
			if key, ok := e.Key.(*ast.Ident); ok && key.Name == "Action" {
				note(e.Value)
			}
		}
		return true
	})
	return found
}

// AU-01: what the code records, the catalog and the document are the same list.
func TestEveryEventIsInTheCatalog(t *testing.T) {
	var listed []string
	for _, a := range countersign.Actions {
		listed = append(listed, a.Name)
	}
	if !slices.IsSorted(listed) {
		t.Error("the catalog in action.go is not in alphabetical order")
	}
	recorded := map[string]string{}
	for _, s := range sourceFiles(t) {
		for _, a := range actionsIn(s) {
			recorded[a] = s.file
			if !slices.Contains(listed, a) {
				t.Errorf("%s records %q, which is not in the catalog: add {%q, \"what it tells\"} to Actions in action.go, and the same line to docs/security/events.md", s.file, a, a)
			}
		}
	}
	for _, a := range listed {
		if recorded[a] == "" {
			t.Errorf("the catalog in action.go has %q, which no code records: take it out there and in docs/security/events.md", a)
		}
	}
}

func TestTheCatalogIsDocumented(t *testing.T) {
	text, err := os.ReadFile("docs/security/events.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented, wanted []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.+) \\|$").FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, m[1]+": "+m[2])
	}
	for _, a := range countersign.Actions {
		wanted = append(wanted, a.Name+": "+a.Means)
		if !slices.Contains(documented, a.Name+": "+a.Means) {
			t.Errorf("docs/security/events.md has no line: | `%s` | %s |", a.Name, a.Means)
		}
	}
	for _, d := range documented {
		if !slices.Contains(wanted, d) {
			t.Errorf("docs/security/events.md has a line that Actions in action.go does not have: %s", d)
		}
	}
}
