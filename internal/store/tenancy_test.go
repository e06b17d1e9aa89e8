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

// keyword matches the start of a statement or of a part of one.
var keyword = regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE)\b`)

// TN-01: every statement in a method of Tx that touches a table with an agency_id names the
// agency. Methods of DB work for all agencies and are few.
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

// TN-01: every statement runs in a transaction that sets whose rows it may see: In, Read or,
// for all agencies, inAllAgencies. On PostgreSQL any other would silently see nothing.
func TestStatementsGoThroughTheWall(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	direct := regexp.MustCompile(`\bdb\.(write|read)\.(Exec|Query|Begin|Prepare|Conn)\w*\(`)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || slices.Contains([]string{"open.go", "store.go", "installation.go"}, name) {
			continue // the engine and the installation
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range direct.FindAllString(string(text), -1) {
			t.Errorf("%s: %s… bypasses row-level security: use execInAllAgencies, inAllAgencies, In or Read", name, found)
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

// literal returns the text of a string literal, or of several that are concatenated. The
// column lists between them name no agency, so only the literals count.
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
