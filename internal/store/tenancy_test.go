package store_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// tenants are the tables whose rows belong to an agency.
var tenants = regexp.MustCompile(`\b(users|user_right|user_group|preference|factor|browser|device|attempt|session|message|event|event_head|link)\b`)

// keyword begins a statement or a part of one.
var keyword = regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE)\b`)

// Every statement in a method of Tx that touches a tenant's table names the
// agency (TN-01). Methods of DB work for all agencies and are few.
func TestStatementsNameTheAgency(t *testing.T) {
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
