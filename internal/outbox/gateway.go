package outbox

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"unicode"
)

// largestAnswer is how much of a gateway's answer is read.
const largestAnswer = 16 << 10

// An answer is what a gateway said to a request.
type answer struct {
	code int
	body []byte
	page bool // a web page, so not the gateway's: a proxy's or a portal's
}

// post sends a request to a gateway. An error says whether the gateway may have
// seen it: only one that was never written is known not to be.
func post(ctx context.Context, client *http.Client, server string, r *http.Request) (answer, error) {
	var written atomic.Bool
	trace := &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }}
	said, err := client.Do(r.WithContext(httptrace.WithClientTrace(ctx, trace)))
	if err != nil {
		return answer{}, unreached(server, written.Load(), err)
	}
	defer func() { _ = said.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(said.Body, largestAnswer))
	if err != nil {
		return answer{}, &Refusal{Server: server, Answer: "its answer broke off", Unsure: true, Err: err}
	}
	return answer{said.StatusCode, body, webPage(said.Header.Get("Content-Type"), body)}, nil
}

// webPage tells whether somebody else answered in the gateway's place. What a
// program calls text/html because it says nothing else of itself, and is a plain
// "OK", is no page.
func webPage(kind string, body []byte) bool {
	if kind == "" {
		kind = http.DetectContentType(body)
	}
	return strings.HasPrefix(kind, "text/html") && bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}

// postForm is post of a form.
func postForm(ctx context.Context, client *http.Client, server, address string, form url.Values, with func(*http.Request)) (answer, error) {
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	with(r)
	return post(ctx, client, server, r)
}

// unreached is the refusal of a request that got no answer. The error itself
// is not told: it may hold the address with its secrets.
func unreached(server string, written bool, err error) *Refusal {
	if written {
		return &Refusal{Server: server, Answer: "there was no answer; the message may have been taken", Unsure: true, Err: err}
	}
	return &Refusal{Server: server, Answer: "it can't be reached", Err: err}
}

// failed is the refusal of an answer that no gateway means for the message
// itself. After 500, 502 and 504 the message may be on its way all the same.
func failed(server string, code int, text string) *Refusal {
	return &Refusal{Server: server, Answer: text, Unsure: code == http.StatusInternalServerError || code == http.StatusBadGateway || code == http.StatusGatewayTimeout}
}

// brief is a text on one line, short enough for a row.
func brief(text string) string {
	text = oneLine(strings.ToValidUTF8(text, ""))
	if runes := []rune(text); len(runes) > 200 {
		return string(runes[:200])
	}
	return text
}

// legible is what a server said as every database keeps it: in whole letters,
// without control characters. What was handed over and can't be noted would be
// handed over again.
func legible(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

// base is where a gateway is: at its usual host, at another one of its domain,
// or for tests on this machine; false if it is elsewhere.
func base(u *url.URL, usual, domain string) (string, bool) {
	switch {
	case u.Host == "":
		return "https://" + usual, true
	case local(u.Hostname()):
		return "http://" + u.Host, true
	default:
		return "https://" + u.Host, strings.HasSuffix(u.Hostname(), "."+domain)
	}
}
