package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
)

// All changes inside functions are compiled at once: each function gets a changed copy, and first
// reads from the environment which change is active.

// variable holds the number of the active change. Unset means the unchanged product.
const variable = "COUNTERSIGN_MUTANT"

// switches returns the file that is added to each changed package.
func switches(pkg string) string {
	return "package " + pkg + "\n\nimport \"os\"\n\nvar mutant__ = os.Getenv(\"" + variable + "\")\n"
}

// An edit replaces a part of a file.
type edit struct {
	from, to int
	text     string
}

// schema returns a file with all changes in its functions, by number, and its package.
func schema(path, text string, changes map[int]mutant) (changed, pkg string, err error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, text, parser.SkipObjectResolution)
	if err != nil {
		return "", "", err
	}
	at := func(p token.Pos) int { return set.Position(p).Offset }
	perFunc := map[*ast.FuncDecl][]int{}
	for n, m := range changes {
		f := function(file, m.Func)
		if f == nil {
			return "", "", fmt.Errorf("%s has no function %s", path, m.Func)
		}
		perFunc[f] = append(perFunc[f], n)
	}
	var edits []edit
	for f, numbers := range perFunc {
		slices.Sort(numbers)
		whole := edit{from: at(f.Pos()), to: at(f.End())}
		whole.text = text[whole.from:whole.to]
		d := dispatch{f: f, at: func(p token.Pos) int { return at(p) - whole.from }, text: whole.text}
		original := d.named()
		for _, n := range numbers {
			copied, err := d.copy(n, changes[n])
			if err != nil {
				return "", "", err
			}
			original += "\n\n" + copied
		}
		edits = append(edits, edit{whole.from, whole.to, d.switched(original, numbers)})
	}
	return rewrite(text, edits), file.Name.Name, nil
}

func function(file *ast.File, name string) *ast.FuncDecl {
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == name && f.Body != nil {
			return f
		}
	}
	return nil
}

// rewrite applies all edits to a text.
func rewrite(text string, edits []edit) string {
	slices.SortFunc(edits, func(a, b edit) int { return b.from - a.from })
	for _, e := range edits {
		text = text[:e.from] + e.text + text[e.to:]
	}
	return text
}

// A dispatch is a function that calls one of its copies.
type dispatch struct {
	f    *ast.FuncDecl
	at   func(token.Pos) int // offsets in text
	text string
}

const here = "/*switch*/"

// named returns the function with all parameters named, so that they can be passed on, and a mark
// where its body begins.
func (d dispatch) named() string {
	edits := []edit{{d.at(d.f.Body.Lbrace) + 1, d.at(d.f.Body.Lbrace) + 1, here}}
	if r := d.f.Recv; r != nil && len(r.List[0].Names) == 0 {
		edits = append(edits, edit{d.at(r.List[0].Type.Pos()), d.at(r.List[0].Type.Pos()), "r__ "})
	}
	n := 0
	for _, p := range d.f.Type.Params.List {
		if len(p.Names) == 0 {
			edits = append(edits, edit{d.at(p.Type.Pos()), d.at(p.Type.Pos()), fmt.Sprintf("p__%d ", n)})
			n++
		}
		for _, name := range p.Names {
			if name.Name == "_" {
				edits = append(edits, edit{d.at(name.Pos()), d.at(name.End()), fmt.Sprintf("p__%d", n)})
			}
			n++
		}
	}
	return rewrite(d.text, edits)
}

// copy returns the function with one change, under its own name.
func (d dispatch) copy(n int, m mutant) (string, error) {
	if found := strings.Count(d.text, m.Before); found != 1 {
		return "", fmt.Errorf("%s has %q %d times, want once", m.place(), m.Before, found)
	}
	name := d.at(d.f.Name.Pos())
	renamed := d.text[:name] + d.name(n) + d.text[d.at(d.f.Name.End()):]
	return strings.Replace(renamed, m.Before, m.After, 1), nil
}

func (d dispatch) name(n int) string { return fmt.Sprintf("%s__%d", d.f.Name.Name, n) }

// switched puts the switch at the mark.
func (d dispatch) switched(text string, numbers []int) string {
	var arguments []string
	n := 0
	for _, p := range d.f.Type.Params.List {
		names := []string{""}
		if len(p.Names) > 0 {
			names = nil
			for _, name := range p.Names {
				names = append(names, name.Name)
			}
		}
		for _, name := range names {
			if name == "" || name == "_" {
				name = fmt.Sprintf("p__%d", n)
			}
			if _, variadic := p.Type.(*ast.Ellipsis); variadic {
				name += "..."
			}
			arguments = append(arguments, name)
			n++
		}
	}
	receiver := ""
	if r := d.f.Recv; r != nil {
		receiver = "r__."
		if len(r.List[0].Names) > 0 {
			receiver = r.List[0].Names[0].Name + "."
		}
	}
	var all strings.Builder
	for _, n := range numbers {
		call := receiver + d.name(n) + "(" + strings.Join(arguments, ", ") + ")"
		if d.f.Type.Results != nil {
			call = "return " + call
		} else {
			call += "; return"
		}
		fmt.Fprintf(&all, " if mutant__ == \"%d\" { %s }; ", n, call)
	}
	return strings.Replace(text, here, all.String(), 1)
}

// inPackage returns the path of the added file in a package.
func inPackage(file string) string { return filepath.Join(filepath.Dir(file), "zz_mutant__.go") }
