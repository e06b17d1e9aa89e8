package outbox

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"unicode"

	"countersign"
)

// maxAnswerSize is how much of a gateway's answer is read.
const maxAnswerSize = 16 << 10

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
	body, err := io.ReadAll(io.LimitReader(said.Body, maxAnswerSize))
	if err != nil {
		return answer{}, &Refusal{Server: server, Answer: "its answer broke off", Reason: countersign.ReasonSilent, MaybeTaken: true, Err: err}
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
		return &Refusal{Server: server, Answer: "there was no answer; the message may have been taken", Reason: countersign.ReasonSilent, MaybeTaken: true, Err: err}
	}
	return &Refusal{Server: server, Answer: "it can't be reached", Reason: countersign.ReasonUnreachable, Err: err}
}

// failed is the refusal of an answer that no gateway means for the message
// itself. After 500, 502 and 504 the message may be on its way all the same.
func failed(server string, code int, text string) *Refusal {
	return &Refusal{Server: server, Answer: text, Reason: reasonOfStatus(code), MaybeTaken: code == http.StatusInternalServerError || code == http.StatusBadGateway || code == http.StatusGatewayTimeout}
}

// status is what is kept of an HTTP answer: its code and what the code means.
// The body may repeat the message (OT-10).
func status(code int) string { return strings.TrimSpace(fmt.Sprint(code, " ", http.StatusText(code))) }

// reasonOfStatus classifies a status of HTTP.
func reasonOfStatus(code int) countersign.Reason {
	switch code {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		return countersign.ReasonSettings
	case http.StatusTooManyRequests:
		return countersign.ReasonRateLimited
	}
	if code/100 == 5 || code == http.StatusRequestTimeout || code == http.StatusTooEarly {
		return countersign.ReasonLater
	}
	return countersign.ReasonRefused
}

// tagShape is what names of messages look like.
var tagShape = regexp.MustCompile(`^[0-9A-Za-z._:-]{1,64}$`)

// tagFor is what a gateway calls a message, for its receipts; empty where that
// repeats something of the message, which must not be kept.
func tagFor(l Outgoing, tag string) string {
	if !tagShape.MatchString(tag) {
		return ""
	}
	spelled := []string{tag}
	if raw, err := hex.DecodeString(tag); err == nil {
		spelled = append(spelled, string(raw))
	}
	for skip := range min(4, len(tag)) {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			part := tag[skip:]
			if raw, err := encoding.DecodeString(part[:len(part)/4*4]); err == nil {
				spelled = append(spelled, string(raw))
			}
		}
	}
	for _, s := range spelled {
		if repeats(s, l) {
			return ""
		}
	}
	return tag
}

// secretRun is what no name of a message may hold: a token, a number, a code, a link.
var secretRun = regexp.MustCompile(`[0-9A-Za-z]{6,}`)

// repeats reports whether a text holds a run of letters and digits that is in a letter.
func repeats(text string, l Outgoing) bool {
	bare := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
				return unicode.ToLower(r)
			}
			return -1
		}, s)
	}
	text = bare(text)
	for _, run := range secretRun.FindAllString(l.Text+" "+l.Subject+" "+strings.TrimPrefix(l.To, "+"), -1) {
		if strings.ContainsAny(run, "0123456789") && strings.Contains(text, bare(run)) {
			return true
		}
	}
	return false
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
