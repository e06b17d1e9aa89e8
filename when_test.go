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
	"time"

	"countersign"
)

func TestWhen(t *testing.T) {
	a := countersign.Agency{Zone: "America/New_York"}
	now := time.Date(2026, 11, 3, 15, 2, 13, 0, time.UTC)
	for _, c := range []struct {
		at                 time.Time
		when, onDay, until string
	}{
		{now, "today at 10:02 AM", "today at 10:02 AM", "10:02 AM"},
		{time.Date(2026, 11, 4, 4, 59, 0, 0, time.UTC), "today at 11:59 PM", "today at 11:59 PM", "11:59 PM"},
		{now.Add(-11 * time.Hour), "yesterday at 11:02 PM", "yesterday at 11:02 PM", "yesterday at 11:02 PM"},
		{now.Add(24 * time.Hour), "tomorrow at 10:02 AM", "tomorrow at 10:02 AM", "tomorrow at 10:02 AM"},
		{now.Add(-7 * 24 * time.Hour), "October 27 at 11:02 AM", "on October 27 at 11:02 AM", "October 27 at 11:02 AM"},
		{now.Add(-365 * 24 * time.Hour), "November 3, 2025 at 10:02 AM", "on November 3, 2025 at 10:02 AM", "November 3, 2025 at 10:02 AM"},
	} {
		if got := a.When(now, c.at); got != c.when {
			t.Errorf("When: %s, want %s", got, c.when)
		}
		if got := a.OnDay(now, c.at); got != c.onDay {
			t.Errorf("OnDay: %s, want %s", got, c.onDay)
		}
		if got := a.Until(now, c.at); got != c.until {
			t.Errorf("Until: %s, want %s", got, c.until)
		}
	}
	for got, want := range map[string]string{
		a.Date(now):                        "November 3, 2026",
		a.MonthDay(now):                    "November 3",
		a.ShortDay(now):                    "Nov 3",
		a.Clock(now):                       "10:02 AM",
		a.Seconds(now):                     "10:02:13 AM",
		a.Instant(now):                     "November 3, 2026 at 10:02 AM New York time (3:02 PM UTC)",
		a.Deadline(now):                    "November 3 at 10:02 AM New York time",
		countersign.Agency{}.Instant(now):  "November 3, 2026 at 3:02 PM UTC",
		countersign.Agency{}.Deadline(now): "November 3 at 3:02 PM UTC",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// forPeople matches the parts of a layout of package time that people read and countries
// order differently: the month, and a clock. Layouts for programs (RFC 3339, mail headers,
// lists of commands for scripts) begin with the year or the name of a day.
var forPeople = regexp.MustCompile(`Jan|\b0?2 ?[/-] ?0?1\b|\b0?1 ?[/-] ?0?2\b|\b3:04|\b15:04`)
var forPrograms = regexp.MustCompile(`^(2006-01-02|Mon, )`)

// formatsForPeople returns the layouts in a Go file that format a time for people.
func formatsForPeople(t *testing.T, path string, text any) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && regexp.MustCompile(`^(ANSIC|UnixDate|RFC8\d\d|RFC850|Kitchen|Stamp)`).MatchString(s.Sel.Name) {
				found = append(found, "time."+s.Sel.Name)
			}
		}
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			layout, err := strconv.Unquote(lit.Value)
			if err == nil && forPeople.MatchString(layout) && !forPrograms.MatchString(layout) && len(layout) < 40 {
				found = append(found, layout)
			}
		}
		return true
	})
	return found
}

// Only when.go formats dates and times for people, so that screens, mail and commands agree.
func TestTimesForPeopleAreWrittenInOnePlace(t *testing.T) {
	if got := formatsForPeople(t, "a.go", "package a\nvar a = []string{t.Format(\"2 January\"), t.Format(`15:04`), t.Format(time.RFC822), t.Format(time.RFC3339), \"2006-01-02 15:04:05\"}"); len(got) != 3 {
		t.Errorf("found %q in the example, want 3", got)
	}
	seen := 0
	err := filepath.WalkDir(".", func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch {
		case strings.HasPrefix(path, "internal/mtatest") || strings.HasPrefix(path, "internal/browsertest") || strings.HasPrefix(path, "tools"):
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") && path != "when.go":
			seen++
			for _, layout := range formatsForPeople(t, path, nil) {
				t.Errorf("%s formats a time with %q: use a method of countersign.Agency in when.go", path, layout)
			}
		case strings.HasSuffix(path, ".html"):
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, format := range regexp.MustCompile(`\.Format "([^"]*)"`).FindAllStringSubmatch(string(text), -1) {
				if !forPrograms.MatchString(format[1]) {
					t.Errorf("%s formats a time with %q: use a method of the page", path, format[1])
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 100 {
		t.Errorf("only %d files were read", seen)
	}
}
