package countersign_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// british matches British spellings. What people read is in American English.
var british = regexp.MustCompile(`(?i)\b(neighbour\w*|enrol|enrols|enrolments?|(un)?authoris\w+|colour\w*|cancell(ed|ing)|behaviours?|` +
	`organis\w+|(un)?recognis\w+|favour\w*|honour\w*|licence\w*|catalogue\w*|centres?|centred|analyse[drs]?|normalis\w+|initialis\w+|` +
	`serialis\w+|customis\w+|summaris\w+|minimis\w+|maximis\w+|realis(e|ed|es|ing)|labell(ed|ing)|travell(ed|er|ing)|modell(ed|ing)|` +
	`signall(ed|ing)|dial(led|ling)|grey|greyed|programmes?|cheques?|defence|offence|judgement|whilst|amongst|towards|afterwards|` +
	`practis\w+|(de)?prioritis\w+|optimis(e|ed|es|ing|ation)|synchronis\w+|utilis\w+|apologis\w+|emphasis(e|ed|es|ing)|fulfil|fulfils|learnt|spelt|` +
	`artefacts?|per cent|e-mails?|sceptical|storey|tyres?|metres?|litres?|mum|fortnight|queueing)\b`)

// storedNames are names in the database, the audit log, forms and file names. They keep
// their original spelling (docs/security/events.md, ARCHITECTURE.md).
var storedNames = regexp.MustCompile(`enrolment-code\.(made|used|wrong)|(enrolment_code|sign-in\.cancelled|reset_cancelled|reset-cancelled|passkey\.cancelled)(\.\w+)?|[\w/]*\benrolment\.go(:\w+)?|^Neighbourhood$|\bTest\w+|<[^>]*>|https?://\S+`)

// spokenLiterals returns the string literals of a Go file that are sentences or parts of
// one. It leaves out keys, which are one word.
func spokenLiterals(t *testing.T, path string, text any) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil && (strings.ContainsAny(s, " \n") || s != "" && 'A' <= s[0] && s[0] <= 'Z') {
				found = append(found, s)
			}
		}
		return true
	})
	return found
}

// readByPeople returns the text of a file that people read; nil if there is none.
func readByPeople(t *testing.T, path string) []string {
	t.Helper()
	slashed := filepath.ToSlash(path)
	support := regexp.MustCompile(`^(internal/(mtatest|browsertest|apptest|pgtest|e2e|childproc)|tools)(/|$)`).MatchString(slashed)
	switch filepath.Ext(path) {
	case ".go":
		if support || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		return spokenLiterals(t, path, nil)
	case ".html", ".md":
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := string(text)
		if filepath.Ext(path) == ".html" {
			lines = regexp.MustCompile(`\{\{[^}]*\}\}|\b(href|name|id|class|for|action|value|aria-describedby)="[^"]*"`).ReplaceAllString(lines, "")
		}
		return strings.Split(lines, "\n")
	}
	return nil
}

// Screens, mail, commands and documents use American English.
func TestWhatPeopleReadIsSpelledInAmericanEnglish(t *testing.T) {
	for text, bad := range map[string]bool{
		"An enrolment code": true, "An enrollment code": false, "You are enrolled": false, "Cancelled": true, "enrolment-code.made": false,
		"INSERT INTO enrolment_code (user)": false, "Make an `enrolment-code`": true, "The analysis": false, "the same colour": true,
	} {
		if got := british.MatchString(storedNames.ReplaceAllString(text, "")); got != bad {
			t.Errorf("%q: found %v, want %v", text, got, bad)
		}
	}
	read := 0
	err := filepath.WalkDir(".", func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skip(path)
		}
		for _, text := range readByPeople(t, path) {
			read++
			for _, word := range british.FindAllString(storedNames.ReplaceAllString(text, ""), -1) {
				t.Errorf("%s: %q in %q", path, word, text)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read < 3000 {
		t.Errorf("only %d texts were read", read)
	}
}
