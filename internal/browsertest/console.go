package browsertest

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/chromedp"
)

// A console gathers what the browser reports about a window's pages.
type console struct {
	mu       sync.Mutex
	messages []chromedp.ConsoleMessage
	pages    []string // addresses of pages: that they answered 422 is no problem
}

// listen gathers until the window is closed.
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

// isProblem tells whether a message is about a page that is broken: a script's
// error, a breach of the Content-Security-Policy, a part that is not there.
func (c *console) isProblem(m chromedp.ConsoleMessage) bool {
	switch {
	case m.IsException():
		return true
	case m.Source == "network":
		// A form that was refused is a page, whoever has sent it.
		return m.Type == "error" && !slices.Contains(c.pages, m.URL) && !strings.Contains(m.Text, "status of 422")
	default:
		return m.Type == "error" || m.Source == "security" || strings.Contains(m.Text, "Content Security Policy")
	}
}

// Problems are the script errors, breaches of the Content-Security-Policy and
// missing parts of pages that the browser reported since the last call.
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
