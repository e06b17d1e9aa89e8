// Package browsertest drives a real browser, Chromium, as a person does: tests open windows,
// type into fields and press buttons by their text. One browser serves a test process. Each
// window has its own cookies, source address, color scheme and width.
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
	ctx   context.Context // parent of all windows; lasts as long as the process
}

// running returns the browser of this process and starts it at first use.
var running = sync.OnceValues(func() (*browser, error) {
	guard, address, err := childproc.Run(script)
	if err != nil {
		return nil, fmt.Errorf("start Chromium: %w", err)
	}
	remoteControl, _ := remote.NewAllocator(context.Background(), address)
	ctx, _ := chromedp.NewContext(remoteControl)
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("reach Chromium: %w", err)
	}
	return &browser{guard: guard, ctx: ctx}, nil
})
