package countersign_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A place is where a package belongs, as ARCHITECTURE.md shows it.
type place struct {
	layer   int  // a package imports lower layers only
	handler bool // answers requests; never imports the store
	pure    bool // domain and policy: no database, no network, no other programs
	outside bool // may read the clock and use HTTP
	sql     bool // holds SQL text
	support bool // supports tests; imported by tests only
}

// layout is the place of each package. Give a new package one here and in
// ARCHITECTURE.md in the same commit.
var layout = map[string]place{
	"countersign/internal/textfile":    {layer: 0},
	"countersign":                      {layer: 1, pure: true},
	"countersign/internal/secret":      {layer: 1},
	"countersign/internal/config":      {layer: 1},
	"countersign/internal/policy":      {layer: 2, pure: true},
	"countersign/internal/store":       {layer: 2, sql: true},
	"countersign/internal/edge":        {layer: 2, outside: true},
	"countersign/internal/smpp":        {layer: 2, outside: true},
	"countersign/internal/wording":     {layer: 2, pure: true},
	"countersign/internal/factor":      {layer: 3, pure: true},
	"countersign/internal/notify":      {layer: 3},
	"countersign/internal/outbox":      {layer: 3, outside: true},
	"countersign/internal/authn":       {layer: 4},
	"countersign/internal/signin":      {layer: 5},
	"countersign/internal/enroll":      {layer: 5},
	"countersign/internal/account":     {layer: 5},
	"countersign/internal/admin":       {layer: 5},
	"countersign/internal/web":         {layer: 6, handler: true, outside: true},
	"countersign/internal/ops":         {layer: 6, handler: true, outside: true},
	"countersign/cmd/countersign":      {layer: 7, outside: true},
	"countersign/scripts/mutate":       {layer: 7, outside: true},
	"countersign/internal/childproc":   {layer: 7, outside: true, support: true},
	"countersign/internal/apptest":     {layer: 7, outside: true, support: true, sql: true}, // reads a database as an attacker would
	"countersign/internal/pgtest":      {layer: 7, outside: true, support: true, sql: true}, // makes and drops databases
	"countersign/internal/mtatest":     {layer: 7, outside: true, support: true},
	"countersign/internal/browsertest": {layer: 7, outside: true, support: true},
	"countersign/internal/e2e":         {layer: 7, outside: true, support: true},
}

const (
	domain = "countersign" // the domain types, which every layer may import
	store  = "countersign/internal/store"
)

// A source is one file of the program, never a test: tests may import anything.
type source struct {
	file string // path below the root, with slashes
	pkg  string // import path
	ast  *ast.File
}

func (s source) String() string { return s.file }

// A rule applies to every file; check returns how a file breaks it.
type rule struct {
	name  string
	check func(source) []string
}

var rules = []rule{
	{"every package has a place in the layout", hasPlace},
	{"a package imports lower layers only", importsDown},
	{"a handler never imports the store", handlersWithoutStore},
	{"only tests import test support", supportForTests},
	{"domain and policy are pure", staysPure},
	{"time is an argument below the handlers", readsNoClock},
	{"only handlers and senders use HTTP", usesNoHTTP},
	{"only the store holds SQL text", holdsNoSQL},
	{"a package is named for what it is", hasName},
}

func TestLayers(t *testing.T) {
	sources := sourceFiles(t)
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			for _, s := range sources {
				for _, wrong := range rule.check(s) {
					t.Errorf("%s: %s", s, wrong)
				}
			}
		})
	}
	t.Run("every package has a comment", func(t *testing.T) {
		for _, pkg := range withoutComment(sources) {
			t.Errorf("package %s has no comment that says in a sentence what it is", pkg)
		}
	})
}

func hasPlace(s source) []string {
	if _, ok := layout[s.pkg]; ok {
		return nil
	}
	return []string{s.pkg + " is not in the layout of layers_test.go"}
}

func importsDown(s source) (wrong []string) {
	here := layout[s.pkg]
	for _, other := range s.ownImports() {
		there := layout[other]
		if other != domain && there.layer >= here.layer && !(here.support && there.support) {
			wrong = append(wrong, fmt.Sprintf("layer %d imports %s of layer %d", here.layer, other, there.layer))
		}
	}
	return wrong
}

func handlersWithoutStore(s source) []string {
	if layout[s.pkg].handler && slices.Contains(s.imports(), store) {
		return []string{"a handler imports the store: call a service instead"}
	}
	return nil
}

func supportForTests(s source) (wrong []string) {
	if layout[s.pkg].support {
		return nil
	}
	for _, other := range s.ownImports() {
		if layout[other].support {
			wrong = append(wrong, "imports "+other+", which is for tests")
		}
	}
	return wrong
}

func staysPure(s source) (wrong []string) {
	if !layout[s.pkg].pure {
		return nil
	}
	for _, p := range s.imports() {
		if within(p, "database/sql") || within(p, "net/http") || within(p, "os/exec") {
			wrong = append(wrong, "imports "+p)
		}
	}
	return wrong
}

func readsNoClock(s source) (wrong []string) {
	if layout[s.pkg].outside {
		return nil
	}
	name := s.nameOf("time")
	ast.Inspect(s.ast, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		of, ok := selector.X.(*ast.Ident)
		if ok && of.Name == name && slices.Contains([]string{"Now", "Since", "Until"}, selector.Sel.Name) {
			wrong = append(wrong, "reads the clock by time."+selector.Sel.Name)
		}
		return true
	})
	if name == "." {
		wrong = append(wrong, "imports time without its name, which hides who reads the clock")
	}
	return wrong
}

func usesNoHTTP(s source) (wrong []string) {
	if layout[s.pkg].outside {
		return nil
	}
	for _, p := range s.imports() {
		if within(p, "net/http") {
			wrong = append(wrong, "imports "+p)
		}
	}
	return wrong
}

// statement recognizes SQL by its first words, in capitals. Neither a sentence ("Delete the user") nor a route ("DELETE /users") is one.
var statement = regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP)\s+[^/\s]`)

func holdsNoSQL(s source) (wrong []string) {
	if layout[s.pkg].sql {
		return nil
	}
	ast.Inspect(s.ast, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err == nil && statement.MatchString(text) {
			wrong = append(wrong, fmt.Sprintf("holds SQL: %.40q", strings.TrimSpace(text)))
		}
		return true
	})
	return wrong
}

// emptyNames say nothing about what a package is.
var emptyNames = []string{"util", "common", "helper", "model", "service", "type", "manager", "misc", "shared"}

func hasName(s source) []string {
	for _, name := range []string{s.ast.Name.Name, path.Base(s.pkg)} {
		if slices.Contains(emptyNames, strings.TrimSuffix(name, "s")) {
			return []string{"the name " + name + " says nothing"}
		}
	}
	return nil
}

func withoutComment(sources []source) []string {
	commented := map[string]bool{}
	for _, s := range sources {
		commented[s.pkg] = commented[s.pkg] || strings.TrimSpace(s.ast.Doc.Text()) != ""
	}
	maps.DeleteFunc(commented, func(_ string, has bool) bool { return has })
	return slices.Sorted(maps.Keys(commented))
}

// within reports whether p is the package of a path or one below it.
func within(p, of string) bool { return p == of || strings.HasPrefix(p, of+"/") }

func (s source) imports() (paths []string) {
	for _, i := range s.ast.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			continue // the parser has reported such a file already
		}
		paths = append(paths, p)
	}
	return paths
}

// ownImports returns the imports that are packages of this module.
func (s source) ownImports() []string {
	return slices.DeleteFunc(s.imports(), func(p string) bool { return !within(p, "countersign") })
}

// nameOf returns the name under which the file imports pkg; empty: it does not.
func (s source) nameOf(pkg string) string {
	for _, i := range s.ast.Imports {
		if i.Path.Value != strconv.Quote(pkg) {
			continue
		}
		if i.Name != nil {
			return i.Name.Name
		}
		return path.Base(pkg)
	}
	return ""
}

// sourceFiles reads every file of this module that is not a test.
func sourceFiles(t *testing.T) (sources []source) {
	t.Helper()
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skip(file)
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(file), string(text))
		sources = append(sources, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(sources) < 10 {
		t.Fatalf("found %d files, which can't be all", len(sources))
	}
	return sources
}

// skip excludes what the go command excludes: hidden directories, test data and other
// modules.
func skip(dir string) error {
	if dir == "." {
		return nil
	}
	name := filepath.Base(dir)
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	if err == nil || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return fs.SkipDir
	}
	return nil
}

func parse(file, text string) (source, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ParseComments)
	return source{file: file, pkg: path.Join("countersign", path.Dir(file)), ast: parsed}, err
}
