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

// maxAnswerSize is how many bytes of a gateway's answer are read.
const maxAnswerSize = 16 << 10

// An answer is a gateway's response to a request.
type answer struct {
	code int
	body []byte
	page bool // a web page, so from a proxy or a portal, not the gateway
}

// post sends a request to a gateway. An error says whether the gateway may have seen the
// request: only if it was never written, certainly not.
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

// webPage reports whether a proxy or a portal answered instead of the gateway. A plain "OK" is
// no page, even if it is labeled text/html.
func webPage(kind string, body []byte) bool {
	if kind == "" {
		kind = http.DetectContentType(body)
	}
	return strings.HasPrefix(kind, "text/html") && bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}

// postForm posts a form.
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

// unreached returns the refusal of a request that got no answer. It does not quote the error,
// which may contain the URL with its secrets.
func unreached(server string, written bool, err error) *Refusal {
	if written {
		return &Refusal{Server: server, Answer: "there was no answer; the message may have been taken", Reason: countersign.ReasonSilent, MaybeTaken: true, Err: err}
	}
	return &Refusal{Server: server, Answer: "it can't be reached", Reason: countersign.ReasonUnreachable, Err: err}
}

// failed returns the refusal of an answer with an error status that is not about the message
// itself. After 500, 502 and 504 the message may have been sent anyway.
func failed(server string, code int, text string) *Refusal {
	return &Refusal{Server: server, Answer: text, Reason: reasonOfStatus(code), MaybeTaken: code == http.StatusInternalServerError || code == http.StatusBadGateway || code == http.StatusGatewayTimeout}
}

// status returns what is kept of an HTTP answer: its code and the standard text. The body may
// repeat the message (OT-10).
func status(code int) string { return strings.TrimSpace(fmt.Sprint(code, " ", http.StatusText(code))) }

// reasonOfStatus classifies an HTTP status.
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

// tagShape matches message IDs of gateways.
var tagShape = regexp.MustCompile(`^[0-9A-Za-z._:-]{1,64}$`)

// tagFor returns a gateway's message ID, to match its receipts. It returns "" if the ID
// repeats part of the message, which must not be stored.
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

// secretRun matches what no message ID may contain: a token, a number, a code, a link.
var secretRun = regexp.MustCompile(`[0-9A-Za-z]{6,}`)

// repeats reports whether a text contains a run of letters and digits from the message.
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

// legible makes a server's text valid for every database: valid UTF-8 without control
// characters. Otherwise the outcome of a sent message could not be saved, and it would be sent
// again.
func legible(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

// baseURL returns the base URL of a gateway: its usual host, another host of its domain or, for
// tests, this machine. It reports false for any other host.
func baseURL(u *url.URL, usual, domain string) (string, bool) {
	switch {
	case u.Host == "":
		return "https://" + usual, true
	case isLocal(u.Hostname()):
		return "http://" + u.Host, true
	default:
		return "https://" + u.Host, strings.HasSuffix(u.Hostname(), "."+domain)
	}
}
