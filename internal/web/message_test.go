package web

import (
	"os"
	"regexp"
	"testing"

	"countersign"
)

// Every kind of message has a name on a user's page.
func TestEveryKindHasAName(t *testing.T) {
	source, err := os.ReadFile("../../message.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`Kind\w+\s+Kind = "([a-z-]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(kinds) < 18 {
		t.Fatalf("%d kinds: the test looks at the wrong place", len(kinds))
	}
	for _, k := range kinds {
		if letters[countersign.Kind(k[1])] == "" {
			t.Errorf("messages of kind %q have no name", k[1])
		}
	}
}
