package countersign_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// PX-01: each fulfilled row of docs/security/requirements.md has a change in
// docs/security/mutations.txt that makes a test of that row fail; make mutate tries it.
func TestEveryRequirementHasAMutation(t *testing.T) {
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	page := read("docs/security/requirements.md")
	proofs, ninety := map[string]string{}, map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([A-Z]{2}-\d\d) \|(.*)\|$`).FindAllStringSubmatch(page, -1) {
		proofs[row[1]] = row[2]
		ninety[row[1]] = regexp.MustCompile(`^ [012] \|`).MatchString(row[2])
	}
	changed, names := map[string]bool{}, testNames(t)
	for _, line := range strings.Split(read("docs/security/mutations.txt"), "\n") {
		f := strings.Fields(line)
		if len(f) != 4 || strings.ContainsAny(line[:1], "#+-") {
			continue
		}
		id, test := f[0], f[2]
		changed[id] = true
		if !names[test] {
			t.Errorf("the change for %s names %s, which does not exist", id, test)
		}
		if !strings.Contains(proofs[id], "`"+test+"`") {
			t.Errorf("the change for %s is found by %s, which its row of requirements.md does not name", id, test)
		}
	}
	for id, proof := range proofs {
		if ninety[id] && strings.Contains(proof, "`Test") && !changed[id] {
			t.Errorf("%s has no change in docs/security/mutations.txt by which one of its tests falls", id)
		}
	}
	if len(changed) < 70 {
		t.Errorf("only %d requirements have a change: this looks at the wrong place", len(changed))
	}
}
