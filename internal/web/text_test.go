package web

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/policy"
)

// code matches the form of error codes.
var code = regexp.MustCompile(`^[a-z_0-9-]+\.[a-z_0-9]+$`)

// Every error code in the code has a sentence, so that no known error shows "Something went wrong".
func TestEveryCodeHasASentence(t *testing.T) {
	found := 0
	look := func(path string, n ast.Node) {
		text, ok := stringOf(n)
		if !ok || !code.MatchString(text) {
			return
		}
		found++
		if _, ok := sentences[text]; !ok {
			t.Errorf("%s: code %q has no sentence", path, text)
		}
	}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch e := n.(type) {
			case *ast.KeyValueExpr:
				if key, ok := e.Key.(*ast.Ident); ok && key.Name == "Code" && !strings.Contains(path, "why.go") {
					look(path, e.Value)
				}
			case *ast.CallExpr:
				if f, ok := e.Fun.(*ast.Ident); ok && (f.Name == "fail" || f.Name == "refusePhone" || f.Name == "wait" || f.Name == "bad" || f.Name == "refusal") {
					for _, a := range e.Args {
						look(path, a)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 60 {
		t.Errorf("only %d codes were found: the test looks at the wrong place", found)
	}
}

func stringOf(n ast.Node) (string, bool) {
	l, ok := n.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}

// Every reason of "Why am I asked?" has a sentence.
func TestEveryWhyHasASentence(t *testing.T) {
	source, err := os.ReadFile("../policy/why.go")
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`"(why\.[a-z_]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(all) < 12 {
		t.Fatalf("%d codes", len(all))
	}
	for _, m := range all {
		if _, ok := reasons[m[1]]; !ok {
			t.Errorf("%s has no sentence", m[1])
		}
	}
	b := base{Agency: countersign.Agency{Name: "Demo Agency"}, Now: time.Now()}
	if got := b.why(policy.Why{Code: "why.frequency", Days: 1, Last: time.Date(2026, 10, 27, 9, 0, 0, 0, time.UTC)}); got != "1 day is over on this device. You last entered a token here on October 27." {
		t.Errorf("%s", got)
	}
}

// No placeholder is left over, and several errors become several sentences.
func TestText(t *testing.T) {
	one := &countersign.Error{Code: "preference.not_days", Args: countersign.Args{"Value": "7.5"}}
	two := &countersign.Error{Code: "token.wrong", Args: countersign.Args{"Left": 2}}
	got := Text(errors.Join(one, two))
	want := "7.5 is not a whole number of days. Write 0 to 365, for example 7, or leave it empty for 30. Nothing was changed. That token is not right. You have 2 tries left."
	if got != want {
		t.Errorf("got %s", got)
	}
	if got := Text(errors.New("plain")); got != "plain" {
		t.Errorf("got %s", got)
	}
}

// A placeholder in typed text is not filled in.
func TestFillOnce(t *testing.T) {
	got := fill(countersign.Agency{}, time.Now(), "{Value} and {Name}", countersign.Args{"Value": "{Name}", "Name": "BSMITH"})
	if got != "{Name} and BSMITH" {
		t.Errorf("got %s", got)
	}
}

func TestMasked(t *testing.T) {
	for in, want := range map[string]string{"bsmith@acme.example": "b•••@acme.example", "élan@acme.example": "é•••@acme.example", "@x": "•••@x"} {
		if got := masked(countersign.MethodEmail, in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	if got := masked(countersign.MethodSMS, "+16145550112"); got != "the number ending 12" {
		t.Error(got)
	}
	if got := formatPhone("+16145550112"); got != "614-555-0112" {
		t.Error(got)
	}
}

// A number agrees with its noun, also in the middle of a sentence.
func TestNumbersAgreeWithTheirNouns(t *testing.T) {
	for _, tt := range []struct {
		code string
		args countersign.Args
		want string
	}{
		{"send.wait", countersign.Args{"Seconds": 1}, "A token was sent 1 second ago."},
		{"send.wait", countersign.Args{"Seconds": 12}, "A token was sent 12 seconds ago."},
		{"import.problems", countersign.Args{"Problems": 1}, "The file has 1 problem."},
		{"phone.shared", countersign.Args{"Users": 1}, "That number is used by 1 other user already."},
		{"session.absolute", countersign.Args{"Hours": 1}, "A session ends after 1 hour at the latest"},
		{"token.wrong", countersign.Args{"Left": 1}, "You have 1 try left."},
	} {
		if got := sentence(countersign.Agency{}, time.Now(), &countersign.Error{Code: tt.code, Args: tt.args}); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q", tt.code, got)
		}
	}
	for text := range maps.Values(sentences) {
		for _, place := range counted.FindAllString(text, -1) {
			if noun := strings.Fields(strings.Trim(place, "{}"))[1:]; strings.HasSuffix(noun[len(noun)-1], "s") {
				t.Errorf("%s is counted already", place)
			}
		}
	}
}

func TestLists(t *testing.T) {
	for want, list := range map[string][]string{"": nil, "one": {"one"}, "one and two": {"one", "two"}, "one, two and three": {"one", "two", "three"}} {
		if got := joinAnd(list); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
