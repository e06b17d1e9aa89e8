package store_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// keyword begins a statement or a part of one.
var keyword = regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE)\b`)

// Every statement in a method of Tx that touches a tenant's table names the
// agency (TN-01). Methods of DB work for all agencies and are few.
func TestStatementsNameTheAgency(t *testing.T) {
	tenants := regexp.MustCompile(`\b(` + strings.Join(tenantTables(t), "|") + `)\b`)
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files, statements := token.NewFileSet(), 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || receiver(f) != "Tx" {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				text, ok := literal(n)
				if !ok || !keyword.MatchString(text) || !tenants.MatchString(text) {
					return true
				}
				statements++
				if !strings.Contains(text, "agency_id") {
					t.Errorf("%s: %s does not name the agency:\n%s", files.Position(n.Pos()), f.Name.Name, text)
				}
				return true
			})
		}
	}
	if statements < 40 {
		t.Errorf("only %d statements were looked at: the test looks at the wrong place", statements)
	}
}

// No statement goes to the database but through a transaction that says whose
// rows it means: In, Read, or for all agencies everywhere (TN-01). On PostgreSQL
// any other would see nothing, in silence.
func TestStatementsGoThroughTheWall(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	direct := regexp.MustCompile(`\bdb\.(write|read)\.(Exec|Query|Begin|Prepare|Conn)\w*\(`)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || slices.Contains([]string{"open.go", "store.go", "installation.go"}, name) {
			continue // what concerns the engine and the installation
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range direct.FindAllString(string(text), -1) {
			t.Errorf("%s: %s… goes around the wall: use execEverywhere, everywhere, In or Read", name, found)
		}
	}
}

func receiver(f *ast.FuncDecl) string {
	star, ok := f.Recv.List[0].Type.(*ast.StarExpr)
	if !ok {
		return ""
	}
	name, ok := star.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return name.Name
}

// literal is the text of a string literal, or of several that are added up: the
// columns between them name no agency, so only their texts count.
func literal(n ast.Node) (string, bool) {
	switch e := n.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, _ := literal(e.X)
		right, _ := literal(e.Y)
		return left + " " + right, left != ""
	default:
		return "", false
	}
}
