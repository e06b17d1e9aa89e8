package countersign_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testNames returns the tests, fuzz targets and benchmarks of the whole module.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	names := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, entry os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range declared.FindAllSubmatch(text, -1) {
			names[string(found[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Every test that the documents name as a proof exists.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	names := testNames(t)
	named := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)\\w+)`")
	found := 0
	err := filepath.WalkDir("docs", func(path string, entry os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".md") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range named.FindAllSubmatch(text, -1) {
			found++
			if !names[string(m[1])] {
				t.Errorf("%s names %s, which does not exist", path, m[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 40 {
		t.Errorf("only %d names were found: this looks at the wrong place", found)
	}
}

// docs/technote.md has one row for each rule of the TechNote, with the test that proves it.
func TestEveryRuleOfTheTechNoteHasAProof(t *testing.T) {
	text, err := os.ReadFile("docs/technote.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| M(\d+) \|[^|]*\|([^|]*)\|`).FindAllStringSubmatch(string(text), -1)
	if len(rows) != 34 {
		t.Errorf("%d rules, want 34", len(rows))
	}
	for _, row := range rows {
		if !strings.Contains(row[2], "`Test") {
			t.Errorf("M%s names no test", row[1])
		}
	}
}

// docs/security/requirements.md has one row for each of the ninety security requirements,
// with the test that proves it, or the reason why there is none yet.
func TestEveryRequirementHasAProof(t *testing.T) {
	text, err := os.ReadFile("docs/security/requirements.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| ([A-Z]{2}-\d\d) \| ([012]) \|([^|]*)\|([^|]*)\|$`).FindAllStringSubmatch(string(text), -1)
	seen := map[string]bool{}
	for _, row := range rows {
		if seen[row[1]] {
			t.Errorf("%s stands there twice", row[1])
		}
		seen[row[1]] = true
		if !strings.Contains(row[4], "`Test") && !strings.Contains(row[4], "Not yet: ") {
			t.Errorf("%s has neither a test nor a reason", row[1])
		}
	}
	if len(rows) != 90 {
		t.Errorf("%d requirements, want 90", len(rows))
	}
}

// TestReferencesAreDefined fails for references to papers that are not part of the project.
func TestReferencesAreDefined(t *testing.T) {
	foreign := regexp.MustCompile(`\b(D-\d\d|decision \d+|interfaces \d+|DESIGN \d+)\b`)
	err := filepath.WalkDir(".", func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skip(path)
		}
		if ext := filepath.Ext(path); ext != ".go" && ext != ".md" || path == "docs_test.go" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, found := range foreign.FindAllString(string(text), -1) {
			t.Errorf("%s refers to %q, which no document here defines", path, found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
