// Package browsertest drives a real browser, Chromium, the way a person does:
// windows are opened, fields are typed into, buttons are pressed by their words.
// One browser serves a test process; every window is a stranger to the others,
// with cookies, source address, color scheme and width of its own.
package browsertest

import (
	"context"
	_ "embed"
	"fmt"
	"sync"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/remote"

	"countersign/internal/childproc"
)

//go:embed chromium.sh
var script string

// A browser is a running Chromium.
type browser struct {
	guard *childproc.Guard
	ctx   context.Context // windows are opened below it; it lasts as long as the process
}

// running is the browser of this process, which it starts at first need.
var running = sync.OnceValues(func() (*browser, error) {
	l, address, err := childproc.Run(script)
	if err != nil {
		return nil, fmt.Errorf("start Chromium: %w", err)
	}
	remoteControl, _ := remote.NewAllocator(context.Background(), address)
	ctx, _ := chromedp.NewContext(remoteControl)
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("reach Chromium: %w", err)
	}
	return &browser{guard: l, ctx: ctx}, nil
})
