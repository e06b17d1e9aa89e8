package browsertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Go opens an address and returns the status of the page it leads to. If the current page
// navigates by itself at the same moment, Go opens the address again, as a person would.
func (w *Window) Go(address string) int {
	w.t.Helper()
	status, err := w.tryArrive(chromedp.Navigate(address))
	for tries := 0; err != nil && tries < 5 && (errors.Is(err, errNoAnswer) || strings.Contains(err.Error(), "net::ERR_ABORTED")); tries++ {
		status, err = w.tryArrive(chromedp.Navigate(address))
	}
	w.check("open "+address, err)
	return status
}

// Press presses the button or link with this text and returns the status of the page it leads
// to. A full match of the text is preferred to a partial one.
func (w *Window) Press(words string) int {
	w.t.Helper()
	what := fmt.Sprintf("press %q", words)
	x, y := w.locate(what, words)
	return w.arrive(what, chromedp.MouseClickXY(x, y))
}

// Type replaces the content of the field with this name, key by key.
func (w *Window) Type(name, text string) {
	w.t.Helper()
	w.do("type into "+name, typing(name, text))
}

// TypeAndArrive types into a field whose form submits itself when the field is full, and
// returns the status of the page it leads to.
func (w *Window) TypeAndArrive(name, text string) int {
	w.t.Helper()
	return w.arrive("type into "+name, typing(name, text))
}

// typing selects the content of a field, deletes it and types.
func typing(name, text string) chromedp.Action[chromedp.Void] {
	field := fieldNamed(name)
	return chromedp.Steps(
		chromedp.Focus(field),
		chromedp.Evaluate[chromedp.Void](`document.activeElement.select()`),
		chromedp.KeyEvent(kb.Backspace),
		chromedp.SendKeys(field, text))
}

// Choose selects an option of the select or the radio buttons with this name by its value, or
// checks the check box.
func (w *Window) Choose(name, option string) {
	w.t.Helper()
	found := value(w, "choose "+option, chromedp.Evaluate[bool](call(`(name, option) => {
		for (const e of document.getElementsByName(name)) {
			if (e.tagName === "SELECT" && [...e.options].some(o => o.value === option)) {
				e.value = option;
				e.dispatchEvent(new Event("input", {bubbles: true}));
				e.dispatchEvent(new Event("change", {bubbles: true}));
				return true;
			}
			if (e.value === option && (e.type === "radio" || e.type === "checkbox")) {
				if (!e.checked) e.click();
				return true;
			}
		}
		return false;
	}`, name, option)))
	if !found {
		w.check("choose "+option, errors.New("no such option of "+name))
	}
}

// Click clicks the element that a CSS selector finds, and waits for nothing.
func (w *Window) Click(selector string) {
	w.t.Helper()
	w.do("click on "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// Wait waits until the page shows the text.
func (w *Window) Wait(words string) {
	w.t.Helper()
	for end := time.Now().Add(limit); !strings.Contains(w.Text(), words); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			w.check(fmt.Sprintf("wait for %q", words), context.DeadlineExceeded)
		}
	}
}

// Text returns the visible text of the page, in lines.
func (w *Window) Text() string {
	w.t.Helper()
	return Eval[string](w, `document.body ? document.body.innerText : ""`)
}

// TextOf returns the text of the first element that a CSS selector finds.
func (w *Window) TextOf(selector string) string {
	w.t.Helper()
	return strings.TrimSpace(value(w, "read "+selector, chromedp.Text(chromedp.CSS(selector))))
}

// Title returns the title of the page.
func (w *Window) Title() string {
	w.t.Helper()
	return Eval[string](w, `document.title`)
}

// Has reports whether the page has an element for a CSS selector, visible or not.
func (w *Window) Has(selector string) bool {
	w.t.Helper()
	return Eval[bool](w, call(`s => document.querySelector(s) !== null`, selector))
}

// Value returns the content of the field with this name.
func (w *Window) Value(name string) string {
	w.t.Helper()
	return value(w, "read "+name, chromedp.Value(fieldNamed(name)))
}

// URL returns the address of the page.
func (w *Window) URL() *url.URL {
	w.t.Helper()
	u, err := url.Parse(value(w, "read the address", chromedp.Location()))
	w.check("read the address", err)
	return u
}

// Eval returns the value of a JavaScript expression on the page. It works even if the page
// itself can't run scripts.
func Eval[T any](w *Window, expression string) T {
	w.t.Helper()
	return value(w, "evaluate", chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// arrive takes steps that lead to a page, and returns the page's status.
func (w *Window) arrive(what string, steps ...chromedp.Action[chromedp.Void]) int {
	w.t.Helper()
	status, err := w.tryArrive(steps...)
	w.check(what, err)
	return status
}

// tryArrive does what arrive does, but returns errors.
func (w *Window) tryArrive(steps ...chromedp.Action[chromedp.Void]) (status int, err error) {
	ctx, cancel := context.WithTimeout(w.ctx, limit)
	defer cancel()
	answer, err := chromedp.RunResponse(ctx, steps...)
	if err == nil && answer == nil {
		err = errNoAnswer
	}
	if err != nil {
		return 0, err
	}
	w.log.arrived(answer.URL)
	return int(answer.Status), nil
}

// errNoAnswer means that the page navigated by itself before its response was seen.
var errNoAnswer = errors.New("the page went away before its answer was seen")

// locate scrolls to the button or link with this text and returns its position. As for a
// person, it must be visible and not covered.
func (w *Window) locate(what, words string) (x, y float64) {
	w.t.Helper()
	at := value(w, what, chromedp.Evaluate[struct {
		X, Y  float64
		Wrong string
	}](call(`words => {
		const said = e => (e.innerText || e.value || e.getAttribute("aria-label") || "").replace(/\s+/g, " ").trim();
		const all = [...document.querySelectorAll("button, a[href], summary, input[type=submit], [role=button]")].filter(e => e.checkVisibility());
		const folded = [...document.querySelectorAll("details:not([open])")].flatMap(d => [...d.querySelectorAll("button, a[href]")]);
		const text = e => e.textContent.replace(/\s+/g, " ").trim();
		const inside = folded.find(e => text(e) === words) || folded.find(e => text(e).includes(words));
		const e = all.find(e => said(e) === words) || all.find(e => said(e).includes(words)) || inside;
		if (e && e === inside) e.closest("details").open = true; // a person opens what is folded, and looks there
		if (!e) return {Wrong: "there is no such button or link, only: " + all.map(said).join(" · ")};
		if (e.disabled) return {Wrong: "it can't be pressed now"};
		e.scrollIntoView({block: "center", behavior: "instant"});
		const box = e.getClientRects()[0], x = box.x + box.width / 2, y = box.y + box.height / 2;
		const top = document.elementFromPoint(x, y);
		if (!top || !(e.contains(top) || top.contains(e))) return {Wrong: "it is covered by " + (top ? top.outerHTML.slice(0, 80) : "nothing")};
		return {X: x, Y: y};
	}`, words)))
	if at.Wrong != "" {
		w.check(what, errors.New(at.Wrong))
	}
	return at.X, at.Y
}

func fieldNamed(name string) chromedp.CSS {
	return chromedp.CSS(fmt.Sprintf(`[name=%q]:not([type=hidden])`, name))
}

// call returns the JavaScript that applies a function to arguments.
func call(function string, arguments ...string) string {
	list, err := json.Marshal(arguments)
	if err != nil {
		panic(err) // strings can always be encoded as JSON
	}
	return "(" + function + ")(..." + string(list) + ")"
}
