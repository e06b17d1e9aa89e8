package browsertest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// A Violation is an accessibility rule of axe-core that the page breaks.
type Violation struct {
	ID     string // "color-contrast"
	Impact string // "serious"
	Help   string // what would be right, in a sentence
	Nodes  []struct{ HTML string }
}

func (v Violation) String() string {
	var where []string
	for _, n := range v.Nodes {
		where = append(where, n.HTML)
	}
	return fmt.Sprintf("%s (%s): %s\n\t%s", v.ID, v.Impact, v.Help, strings.Join(where, "\n\t"))
}

// Axe checks the page for WCAG 2.2 A and AA and for best practices. The window must have
// scripts.
func (w *Window) Axe() []Violation {
	w.t.Helper()
	return w.axe(`["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]`)
}

// colors checks what a different color scheme can change.
func (w *Window) colors() []Violation {
	w.t.Helper()
	return w.axe(`{type: "rule", values: ["color-contrast", "link-in-text-block"]}`)
}

// axe checks the page with some of axe-core's rules. It loads the library into the page only
// once: it is half a megabyte.
func (w *Window) axe(rules string) []Violation {
	w.t.Helper()
	if !w.scripts {
		w.t.Fatal("axe-core needs a window with scripts")
	}
	// Nothing is preloaded: no rule in use reads style sheets.
	judge := `typeof axe !== "object" ? "" :
		axe.run(document, {runOnly: ` + rules + `, preload: false, resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations))`
	found := Eval[string](w, judge)
	for found == "" { // a page that reloads itself needs the library again
		library, err := axe()
		if err != nil {
			w.t.Fatal(err)
		}
		Eval[int](w, library+`;0`)
		found = Eval[string](w, judge)
	}
	var violations []Violation
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		w.t.Fatal(err)
	}
	return violations
}

// looks are the window sizes and color schemes that every page must support.
var looks = []Look{{Width: 1280}, {Width: 1280, Dark: true}, {Width: 375}, {Width: 375, Dark: true}}

// Examine checks the current page wide and narrow, light and dark. It takes a picture of each
// (name-375-dark.png) if COUNTERSIGN_SHOTS is set. It reports an error, and continues, if
// axe-core finds a violation, the page scrolls sideways, or a phone number breaks over two
// lines at 320 pixels. For dark it checks colors only, because nothing else differs.
func (w *Window) Examine(name string) {
	w.t.Helper()
	own := w.look
	defer w.Look(own)
	w.Look(Look{Width: 320})
	for _, text := range w.Broken() {
		w.t.Errorf("%s: %q breaks over two lines at 320 pixels", name, text)
	}
	for _, l := range looks {
		w.Look(l)
		called := fmt.Sprintf("%s-%d-light", name, l.Width)
		if l.Dark {
			called = fmt.Sprintf("%s-%d-dark", name, l.Width)
		}
		if shots() != "" {
			w.Shot(called)
		}
		if wide := Eval[int](w, `document.documentElement.scrollWidth`); wide > l.Width {
			w.t.Errorf("%s: the page is %d pixels wide and scrolls sideways", called, wide)
		}
		if !w.scripts {
			continue
		}
		judge := w.Axe
		if l.Dark {
			judge = w.colors
		}
		for _, v := range judge() {
			w.t.Errorf("%s: %s", called, v)
		}
	}
}

// Broken returns the phone numbers and names of settings on the page that break over more than
// one line. Text in fields never does.
func (w *Window) Broken() []string {
	w.t.Helper()
	return Eval[[]string](w, `(() => {
		const whole = /\(?\d{3}\)?[ -]\d{3}-\d{4}|(?<!\w)--[a-z]+(?:-[a-z]+)+/g, broken = []
		const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
		for (let node; (node = texts.nextNode());) {
			for (const found of node.data.matchAll(whole)) {
				const range = document.createRange()
				range.setStart(node, found.index)
				range.setEnd(node, found.index + found[0].length)
				if (new Set([...range.getClientRects()].map(r => Math.round(r.top))).size > 1) broken.push(found[0])
			}
		}
		return broken
	})()`)
}

// axe returns the source of axe-core, which scripts/install-test-tools fetches.
var axe = sync.OnceValues(func() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("axe-core is looked for below the directory of go.mod, and this test does not run there")
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, ".cache", "axe-core-4.14.1", "axe.min.js"))
	if err != nil {
		return "", fmt.Errorf("axe-core is not there; 'make test' or scripts/install-test-tools fetches it: %w", err)
	}
	return string(text), nil
})
