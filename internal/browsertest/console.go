package browsertest

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/chromedp"
)

// A console collects what the browser reports about a window's pages.
type console struct {
	mu       sync.Mutex
	messages []chromedp.ConsoleMessage
	pages    []string // addresses of pages: a 422 from one is no problem
}

// listen collects messages until the window is closed.
func listen(ctx context.Context) *console {
	c := &console{}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			c.mu.Lock()
			c.messages = append(c.messages, m)
			c.mu.Unlock()
		}
	}()
	return c
}

func (c *console) arrived(page string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pages = append(c.pages, page)
}

// isProblem reports whether a message is about a broken page: a script error, a violation of
// the Content-Security-Policy, or a missing resource.
func (c *console) isProblem(m chromedp.ConsoleMessage) bool {
	switch {
	case m.IsException():
		return true
	case m.Source == "network":
		// A rejected form is answered with a page, even if a script sent it.
		return m.Type == "error" && !slices.Contains(c.pages, m.URL) && !strings.Contains(m.Text, "status of 422")
	default:
		return m.Type == "error" || m.Source == "security" || strings.Contains(m.Text, "Content Security Policy")
	}
}

// Problems returns the script errors, violations of the Content-Security-Policy and missing
// resources that the browser reported since the last call.
func (w *Window) Problems() (problems []string) {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	for _, m := range w.log.messages {
		if w.log.isProblem(m) {
			problems = append(problems, m.String())
		}
	}
	w.log.messages = nil
	return problems
}
