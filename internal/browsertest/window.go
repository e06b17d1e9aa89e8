package browsertest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// limit is how long a step may take before the test fails: far more than it takes on a machine
// under ten times its load.
const limit = 3 * time.Minute

// agent is the default User-Agent: that of a headless browser would say so.
const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"

// Options say what kind of window to open. The zero value is a window 1280 pixels wide, light,
// with scripts, at address 127.0.0.1.
type Options struct {
	From      string            // source address on loopback, such as 127.0.0.11
	Hosts     map[string]string // host names: "login.acme.localhost:80" to "127.0.0.1:41234"
	Agent     string            // User-Agent; empty: Chrome on Linux
	NoScripts bool              // pages can't run scripts
	Look      Look
}

// A Look is how a window shows pages.
type Look struct {
	Width int  // in CSS pixels; 0: 1280; below 600 it is a phone
	Dark  bool // the person prefers a dark color scheme
}

// A Window is one browser on one device, with its own cookies. If a step is impossible, its
// methods fail the test and show the page's text.
type Window struct {
	t       testing.TB
	ctx     context.Context
	look    Look
	scripts bool
	log     *console
}

// Open opens a window and closes it when the test is over. The test also fails for each script
// error and each violation of the Content-Security-Policy that Problems has not returned.
func Open(t testing.TB, o Options) *Window {
	t.Helper()
	b, err := running()
	if err != nil {
		t.Fatal(err)
	}
	ctx, closeTab := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(options(t, o)...))
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil { // without a timeout: the tab would end with it
		t.Fatalf("open a window: %v", err)
	}
	w := &Window{t: t, ctx: ctx, scripts: !o.NoScripts, log: listen(ctx)}
	t.Cleanup(func() {
		for _, p := range w.Problems() {
			t.Errorf("the browser reported: %s", p)
		}
	})
	w.Look(o.Look)
	w.do("set up the window", beAgent(o.Agent), withoutScripts(o.NoScripts), inFocus)
	return w
}

// options sends the window's connections through a proxy if it has its own address or host
// names.
func options(t testing.TB, o Options) (set []chromedp.CreateBrowserContextOption) {
	t.Helper()
	if o.From == "" && o.Hosts == nil {
		return nil
	}
	p, err := startProxy(o.From, o.Hosts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.listener.Close() })
	return append(set, func(c *target.CreateBrowserContextParams) {
		c.ProxyServer = "socks5://" + p.address()
		c.ProxyBypassList = "<-loopback>" // otherwise loopback bypasses the proxy
	})
}

func beAgent(name string) chromedp.Action[chromedp.Void] {
	if name == "" {
		name = agent
	}
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: name})
		return err
	})
}

func withoutScripts(off bool) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off})
		return err
	})
}

// inFocus makes every window believe that it has the focus, not only the last one opened.
func inFocus(ctx context.Context, _ *chromedp.Target) (v chromedp.Void, err error) {
	_, err = chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	return v, err
}

// Look changes how the window shows pages, including the current one.
func (w *Window) Look(l Look) {
	w.t.Helper()
	if l.Width == 0 {
		l.Width = 1280
	}
	w.look = l
	scheme := "light"
	if l.Dark {
		scheme = "dark"
	}
	size := chromedp.EmulateViewport(int64(l.Width), 900)
	if l.Width < 600 {
		size = chromedp.EmulateViewport(int64(l.Width), 812,
			chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait, chromedp.EmulateScale(2))
	}
	w.do("change the look", size, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme},
			{Name: "prefers-reduced-motion", Value: "reduce"}, // no animation while pictures are taken and contrast is measured
		}})
		return err
	}))
}

// Context returns the window's chromedp context, for what this package has no method for.
func (w *Window) Context() context.Context { return w.ctx }

// shots is the directory where pictures are kept; empty: none.
func shots() string { return os.Getenv("COUNTERSIGN_SHOTS") }

// Shot takes a picture of the whole page, as PNG. If the environment variable
// COUNTERSIGN_SHOTS names a directory, it is also saved there as name.png.
func (w *Window) Shot(name string) []byte {
	w.t.Helper()
	png := value(w, "take a picture", chromedp.FullScreenshot(100)) // below 100 it would be JPEG
	dir := shots()
	if dir == "" {
		return png
	}
	file := filepath.Join(dir, filepath.FromSlash(name)+".png")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o644); err != nil {
		w.t.Fatal(err)
	}
	return png
}

// do takes steps that have no result.
func (w *Window) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, limit)
	defer cancel()
	w.check(what, chromedp.Do(ctx, steps...))
}

// value takes a step that has a result. If the page reloads itself in between, it reads the
// new page.
func value[T any](w *Window, what string, step chromedp.Action[T]) T {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, limit)
	defer cancel()
	v, err := chromedp.Run(ctx, step)
	for replaced(err) && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
		v, err = chromedp.Run(ctx, step)
	}
	w.check(what, err)
	return v
}

// replaced reports whether a step failed because another page replaced the one that it read,
// or has not built its document yet.
func replaced(err error) bool {
	if err == nil {
		return false
	}
	for _, said := range []string{"navigated or closed", "context was destroyed", "Cannot find context", "uniqueContextId not found",
		"null (reading 'scrollWidth')", "parameter 1 is not of type 'Node'"} {
		if strings.Contains(err.Error(), said) {
			return true
		}
	}
	return false
}

// check fails the test if there is an error, and shows the page's address and text.
func (w *Window) check(what string, err error) {
	w.t.Helper()
	if err == nil {
		return
	}
	ctx, cancel := context.WithTimeout(w.ctx, 5*time.Second)
	defer cancel()
	where, _ := chromedp.Run(ctx, chromedp.Location())
	shown, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	w.t.Fatalf("%s: %v\n%s shows:\n%s", what, err, where, strings.TrimSpace(shown))
}
