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

// A room is a package's place in the house, as ARCHITECTURE.md draws it.
type room struct {
	floor   int
	door    bool // people or machines come in here; never sees the store
	pure    bool // words and rules: no database, no network, no other programs
	outside bool // meets the world: may read the clock and speak HTTP
	sql     bool // holds SQL text
	support bool // lends tests what they need; imported by tests only
}

// plan is the house. A package that is not in it has no place yet: give it one
// here and in ARCHITECTURE.md in the same commit.
var plan = map[string]room{
	"countersign/internal/textfile":    {floor: 0},
	"countersign":                      {floor: 1, pure: true},
	"countersign/internal/secret":      {floor: 1},
	"countersign/internal/config":      {floor: 1},
	"countersign/internal/policy":      {floor: 2, pure: true},
	"countersign/internal/store":       {floor: 2, sql: true},
	"countersign/internal/edge":        {floor: 2, outside: true},
	"countersign/internal/smpp":        {floor: 2, outside: true},
	"countersign/internal/wording":     {floor: 2, pure: true},
	"countersign/internal/factor":      {floor: 3, pure: true},
	"countersign/internal/notify":      {floor: 3},
	"countersign/internal/outbox":      {floor: 3, outside: true},
	"countersign/internal/authn":       {floor: 4},
	"countersign/internal/signin":      {floor: 5},
	"countersign/internal/enroll":      {floor: 5},
	"countersign/internal/account":     {floor: 5},
	"countersign/internal/admin":       {floor: 5},
	"countersign/internal/web":         {floor: 6, door: true, outside: true},
	"countersign/internal/ops":         {floor: 6, door: true, outside: true},
	"countersign/cmd/countersign":      {floor: 7, outside: true},
	"countersign/scripts/mutate":       {floor: 7, outside: true},
	"countersign/internal/childproc":   {floor: 7, outside: true, support: true},
	"countersign/internal/apptest":     {floor: 7, outside: true, support: true, sql: true}, // looks into a database as a thief would
	"countersign/internal/pgtest":      {floor: 7, outside: true, support: true, sql: true}, // makes and drops databases
	"countersign/internal/mtatest":     {floor: 7, outside: true, support: true},
	"countersign/internal/browsertest": {floor: 7, outside: true, support: true},
	"countersign/internal/e2e":         {floor: 7, outside: true, support: true},
}

const (
	words = "countersign" // spoken on every floor, the lowest too
	store = "countersign/internal/store"
)

// A source is one file of the product: never a test, which may import what it likes.
type source struct {
	file string // path below the root, with slashes
	pkg  string // import path
	ast  *ast.File
}

func (s source) String() string { return s.file }

// A wall is something that no file may break; check says how one does, in words.
type wall struct {
	name  string
	check func(source) []string
}

var walls = []wall{
	{"every package has its place in the plan", hasPlace},
	{"a package imports lower floors only", importsDown},
	{"a door never imports the store", doorsWithoutStore},
	{"only tests import test support", supportForTests},
	{"words and rules are pure", staysPure},
	{"time is an argument below the doors", readsNoClock},
	{"HTTP is spoken at the edge of the house only", speaksNoHTTP},
	{"SQL text stands in the store only", holdsNoSQL},
	{"a package is named for what it is", hasName},
}

func TestFloors(t *testing.T) {
	sources := house(t)
	for _, wall := range walls {
		t.Run(wall.name, func(t *testing.T) {
			for _, s := range sources {
				for _, wrong := range wall.check(s) {
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
	if _, ok := plan[s.pkg]; ok {
		return nil
	}
	return []string{s.pkg + " is not in the plan of layers_test.go"}
}

func importsDown(s source) (wrong []string) {
	here := plan[s.pkg]
	for _, other := range s.rooms() {
		there := plan[other]
		if other != words && there.floor >= here.floor && !(here.support && there.support) {
			wrong = append(wrong, fmt.Sprintf("floor %d imports %s on floor %d", here.floor, other, there.floor))
		}
	}
	return wrong
}

func doorsWithoutStore(s source) []string {
	if plan[s.pkg].door && slices.Contains(s.imports(), store) {
		return []string{"a door imports the store: it calls a deed instead"}
	}
	return nil
}

func supportForTests(s source) (wrong []string) {
	if plan[s.pkg].support {
		return nil
	}
	for _, other := range s.rooms() {
		if plan[other].support {
			wrong = append(wrong, "imports "+other+", which is for tests")
		}
	}
	return wrong
}

func staysPure(s source) (wrong []string) {
	if !plan[s.pkg].pure {
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
	if plan[s.pkg].outside {
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

func speaksNoHTTP(s source) (wrong []string) {
	if plan[s.pkg].outside {
		return nil
	}
	for _, p := range s.imports() {
		if within(p, "net/http") {
			wrong = append(wrong, "imports "+p)
		}
	}
	return wrong
}

// statement recognizes SQL by its first words, in capitals as the house writes
// them. Neither a sentence ("Delete the user") nor a route ("DELETE /users") is one.
var statement = regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP)\s+[^/\s]`)

func holdsNoSQL(s source) (wrong []string) {
	if plan[s.pkg].sql {
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

// unsaying are names that say nothing about what a package is.
var unsaying = []string{"util", "common", "helper", "model", "service", "type", "manager", "misc", "shared"}

func hasName(s source) []string {
	for _, name := range []string{s.ast.Name.Name, path.Base(s.pkg)} {
		if slices.Contains(unsaying, strings.TrimSuffix(name, "s")) {
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

// within tells whether p is the package of a path or one below it.
func within(p, of string) bool { return p == of || strings.HasPrefix(p, of+"/") }

func (s source) imports() (paths []string) {
	for _, i := range s.ast.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			continue // the parser has refused such a file already
		}
		paths = append(paths, p)
	}
	return paths
}

// rooms are the imports that are packages of the house.
func (s source) rooms() []string {
	return slices.DeleteFunc(s.imports(), func(p string) bool { return !within(p, "countersign") })
}

// nameOf is what the file calls the package that it imports by path; empty: it does not import it.
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

// house reads every file of this module that is not a test.
func house(t *testing.T) (sources []source) {
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
		t.Fatalf("found %d files, which can't be the house", len(sources))
	}
	return sources
}

// skip leaves out what the go command leaves out: hidden directories, test data
// and other modules.
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
