package apptest

import (
	"bytes"
	"encoding/base32"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"unicode"

	"countersign/internal/outbox"
)

// A Watch follows every secret of an application: passwords, tokens, cookies, links, keys of apps,
// recovery codes and phone numbers, from the moment one is typed or shown. None may appear in the
// database, the log, an answer that is not meant to show it, or the subject of a message (AU-02,
// OT-06).
type Watch struct {
	h       *App
	mu      sync.Mutex
	log     bytes.Buffer
	secrets map[string]canary
	found   map[string]bool
}

// A canary is one secret.
type canary struct {
	what  string
	shown *regexp.Regexp // paths of pages that are meant to show it; nil: none
	raw   string         // its form as bytes; empty: no other form
}

// Watch follows the secrets of the application. The test fails at its end if one has leaked. Each
// watches from the start.
func (h *App) Watch() *Watch {
	h.T.Helper()
	if w := h.watch.Load(); w != nil {
		return w
	}
	w := &Watch{h: h, secrets: map[string]canary{}, found: map[string]bool{}}
	h.watch.Store(w)
	h.T.Cleanup(func() {
		if h.watch.Swap(nil) != nil {
			w.Check()
		}
	})
	return w
}

// Unwatch turns the watch off, for tests of so many requests that it would take too long.
func (h *App) Unwatch() { h.watch.Store(nil) }

// Log returns what the application has logged since.
func (w *Watch) Log() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

// Write receives a line of the log.
func (w *Watch) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(line)
}

// Secret follows one more secret. shown matches the paths of pages that may show it.
func (w *Watch) Secret(what, value, shown string) {
	c := canary{what: what}
	if shown != "" {
		c.shown = regexp.MustCompile(shown)
	}
	if raw, err := base32.StdEncoding.DecodeString(value); what == "key of an app" && err == nil {
		c.raw = string(raw)
	}
	if len(value) < 6 {
		return // too common a word to be a secret
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.secrets[value]; !known {
		w.secrets[value] = c
	}
}

// sent records the secrets that a browser sends.
func (w *Watch) sent(form url.Values) {
	for name, values := range form {
		for _, v := range values {
			switch {
			case strings.Contains(name, "password"):
				w.Secret("password", v, "")
			case name == "link":
				w.Secret("link", v, `^/welcome|^/password|^/not-me`)
			case name == "token":
				w.Secret("token", strings.ReplaceAll(v, " ", ""), "")
			case strings.Contains(name, "recovery"):
				w.Secret("recovery code", v, `^/sign-in/token$|^/step-up$|^/profile/recovery-codes`) // a refused form keeps what was typed
			case name == "phone":
				w.Secret("phone number", v, `.`)
			}
		}
	}
}

// answered records the secrets that an answer is meant to show, and looks for others in it.
func (w *Watch) answered(p *Page) {
	for _, c := range (&http.Response{Header: p.Header}).Cookies() {
		w.Secret("cookie", c.Value, "")
		if _, key, ok := strings.Cut(c.Value, "."); ok {
			w.Secret("cookie", key, "")
		}
	}
	if p.Path == "/set-up/app" {
		w.Secret("key of an app", p.Key(), `^/set-up/app$`)
	}
	if strings.HasPrefix(p.Path, "/demo/") {
		return // the demo's inbox shows messages on purpose
	}
	text := p.Body
	for name, values := range p.Header {
		if name != "Set-Cookie" {
			text += "\n" + name + ": " + strings.Join(values, " ")
		}
	}
	w.search("the answer of "+p.Path, text, func(c canary) bool { return c.shown != nil && c.shown.MatchString(p.Path) })
}

// mailed records the secrets of messages, and looks for them in the subjects.
func (w *Watch) mailed(all []outbox.Mail) {
	for _, m := range all {
		for _, token := range sixDigits.FindAllStringSubmatch(m.Text, -1) {
			w.Secret("token", token[1], "")
		}
		for _, link := range mailedLink.FindAllStringSubmatch(m.Text, -1) {
			w.Secret("link", link[1], `^/welcome|^/password|^/not-me`)
		}
		w.search("the subject of a message", m.Subject, nil)
	}
}

// mailedLink matches the handle of a link in a mail.
var mailedLink = regexp.MustCompile(`[?&/=]([A-Za-z0-9_-]{40,})`)

// Check looks for every secret in the whole database and in the log.
func (w *Watch) Check() {
	w.h.T.Helper()
	w.h.Mail("")
	for _, cell := range w.h.Dump() {
		person := cell.Table == "users" || cell.Table == "factor" || cell.Table == "message" && cell.Column == "recipient"
		w.search("the database, "+cell.Table+"."+cell.Column, cell.Text, func(c canary) bool { return c.what == "phone number" && person })
	}
	w.search("the log", w.Log(), nil)
}

// search fails the test for each secret in text, except those allowed.
func (w *Watch) search(where, text string, allowed func(canary) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for value, c := range w.secrets {
		if allowed != nil && allowed(c) || !containsWord(text, value) && (c.raw == "" || !strings.Contains(text, c.raw)) {
			continue
		}
		told := fmt.Sprintf("%s shows a %s", where, c.what)
		if !w.found[told] {
			w.found[told] = true
			w.h.T.Errorf("%s: %q", told, value)
		}
	}
}

// containsWord reports whether value is a whole word of text: six digits may be part of another number by
// chance.
func containsWord(text, value string) bool {
	for rest, at := text, 0; ; {
		i := strings.Index(rest, value)
		if i < 0 {
			return false
		}
		at += i
		end := at + len(value)
		if len(value) > 20 || !inWord(text, at-1) && !inWord(text, end) {
			return true
		}
		at++
		rest = text[at:]
	}
}

func inWord(text string, i int) bool {
	if i < 0 || i >= len(text) {
		return false
	}
	r := rune(text[i])
	return r == '_' || r == '-' || r > unicode.MaxASCII || unicode.IsLetter(r) || unicode.IsDigit(r)
}
