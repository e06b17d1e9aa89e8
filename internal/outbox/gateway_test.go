package outbox_test

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/outbox"
)

const account = "AC00000000000000000000000000000012"

var text = outbox.Outgoing{ID: "m1", Channel: countersign.ChannelSMS, To: "+16145550112", Reference: "KX", Life: 2 * time.Minute,
	Text: "Your Agency Integrator token is 344078. Reference KX.\n@login.acme.example #344078", Callback: "https://login.acme.example"}

// gateway starts a server that answers as the test says.
func gateway(t *testing.T, answer http.HandlerFunc) *url.URL {
	t.Helper()
	g := httptest.NewServer(answer)
	t.Cleanup(g.Close)
	u, err := url.Parse(g.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func parse(t *testing.T, urls ...string) *outbox.Routes {
	t.Helper()
	r, err := outbox.ParseRoutes(urls)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// says answers with a status, a type and a body.
func says(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func hangUp(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	panic(http.ErrAbortHandler)
}

// Each answer of each gateway has its outcome: accepted, permanent, certainly not accepted
// (the next route may be tried), or unsure (no other route may).
func TestGateways(t *testing.T) {
	const json, page = "application/json", "text/html; charset=utf-8"
	twilio := func(host string) string { return "twilio://" + account + ":s3cret@" + host + "?from=%2B16145550100" }
	vonage := func(host string) string { return "vonage://key:s3cret@" + host + "?from=16145550100" }
	webhook := func(host string) string { return "webhook+http://" + host + "/sms?secret=s3cret" }
	for _, c := range []struct {
		name   string
		url    func(string) string
		answer http.HandlerFunc
		want   string // taken, final, next, unsure
	}{
		{"twilio takes", twilio, says(201, json, `{"sid":"SM1","status":"queued"}`), "taken"},
		{"twilio: no mobile", twilio, says(400, json, `{"code":21614,"message":"not a mobile number","status":400}`), "final"},
		{"twilio: our sender", twilio, says(400, json, `{"code":21606,"message":"From is not yours","status":400}`), "next"},
		{"twilio: wrong login", twilio, says(401, json, `{"code":20003,"message":"Authenticate","status":401}`), "next"},
		{"twilio: too many", twilio, says(429, json, `{"code":20429,"message":"Too Many Requests","status":429}`), "next"},
		{"twilio: away", twilio, says(503, json, ``), "next"},
		{"twilio: its own fault", twilio, says(500, json, `{"code":20500}`), "unsure"},
		{"twilio: a proxy's fault", twilio, says(504, "text/plain", `gateway time-out`), "unsure"},
		{"twilio: a web page", twilio, says(200, page, `<p>Welcome to the hotel</p>`), "next"},
		{"twilio: a proxy's page", twilio, says(502, page, `<h1>Bad Gateway</h1>`), "unsure"},
		{"twilio: nonsense", twilio, says(201, json, `{`), "unsure"},
		{"twilio hangs up", twilio, hangUp, "unsure"},
		{"vonage takes", vonage, says(200, json, `{"message-count":"1","messages":[{"message-id":"V1","status":"0"}]}`), "taken"},
		{"vonage: too many", vonage, says(200, json, `{"messages":[{"status":"1","error-text":"Throughput Rate Exceeded"}]}`), "next"},
		{"vonage: wrong login", vonage, says(200, json, `{"messages":[{"status":"4","error-text":"Bad Credentials"}]}`), "next"},
		{"vonage: barred", vonage, says(200, json, `{"messages":[{"status":"7","error-text":"Number barred"}]}`), "final"},
		{"vonage: its own fault", vonage, says(200, json, `{"messages":[{"status":"5","error-text":"Internal error"}]}`), "unsure"},
		{"vonage: a web page", vonage, says(200, page, `<p>`), "next"},
		{"vonage: a proxy's page", vonage, says(504, page, `<h1>Gateway Time-out</h1>`), "unsure"},
		{"vonage: nothing", vonage, says(200, json, `{"messages":[]}`), "unsure"},
		{"vonage: away", vonage, says(503, json, ``), "next"},
		{"webhook takes", webhook, says(202, json, ``), "taken"},
		{"webhook: no", webhook, says(422, json, ``), "final"},
		{"webhook: wrong secret", webhook, says(403, json, ``), "next"},
		{"webhook: a web page", webhook, says(200, page, `<p>Login</p>`), "next"},
		{"webhook: a web page of no kind", webhook, says(200, "", "\n<!doctype html><title>Login</title>"), "next"},
		{"webhook takes, in plain words", webhook, says(200, page, "OK 4711"), "taken"},
		{"webhook takes, without a word", webhook, says(202, page, ""), "taken"},
		{"webhook: time-out of a proxy", webhook, says(504, json, ``), "unsure"},
		{"webhook: a proxy's page", webhook, says(502, page, `<h1>Bad Gateway</h1>`), "unsure"},
		{"webhook hangs up", webhook, hangUp, "unsure"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := parse(t, c.url(gateway(t, c.answer).Host))
			receipt, err := r.Send(t.Context(), text)
			var refusal *outbox.Refusal
			errors.As(err, &refusal)
			got := "next"
			switch {
			case err == nil:
				got = "taken"
			case refusal != nil && refusal.MaybeTaken:
				got = "unsure"
			case refusal != nil && refusal.Permanent:
				got = "final"
			}
			if got != c.want || err == nil && (receipt.Tag == "" || receipt.Route != r.Gateways()[0].Name()) {
				t.Errorf("got %s, want %s: %+v %v", got, c.want, receipt, err)
			}
			if strings.Contains(fmt.Sprint(err, receipt), "s3cret") {
				t.Errorf("it tells a secret: %v", err)
			}
		})
	}
}

// Vonage and Twilio get number, text and sender unchanged, the token's expiry, and a callback.
func TestWhatGatewaysGet(t *testing.T) {
	forms := make(chan url.Values, 2)
	g := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		user, password, _ := r.BasicAuth()
		r.PostForm.Set("login", user+":"+password)
		forms <- r.PostForm
		w.WriteHeader(503)
	})
	_, _ = parse(t, "twilio://"+account+":s3cret@"+g.Host+"?from=+16145550100", "vonage://key:s3cret@"+g.Host+"?from=16145550100&signature=sign").Send(t.Context(), text)
	twilio, vonage := <-forms, <-forms
	for name, want := range map[string]string{"To": "+16145550112", "From": "+16145550100", "Body": text.Text, "ValidityPeriod": "120",
		"StatusCallback": "https://login.acme.example/receipts/twilio", "login": account + ":s3cret"} {
		if twilio.Get(name) != want {
			t.Errorf("Twilio got %s %q, want %q", name, twilio.Get(name), want)
		}
	}
	for name, want := range map[string]string{"to": "16145550112", "from": "16145550100", "text": text.Text, "ttl": "120000", "type": "",
		"callback": "https://login.acme.example/receipts/vonage", "client-ref": "m1", "api_key": "key", "api_secret": "s3cret"} {
		if vonage.Get(name) != want {
			t.Errorf("Vonage got %s %q, want %q", name, vonage.Get(name), want)
		}
	}
}

// A way is a gateway that does what the test says.
type way struct {
	name string
	err  error
	n    int
}

func (w *way) Name() string { return w.name }

func (w *way) Send(context.Context, outbox.Outgoing) (outbox.Receipt, error) {
	w.n++
	return outbox.Receipt{Server: w.name}, w.err
}

// The next route is used only if the one before certainly does not have the message. One that
// may have it is the only one tried; one that failed recently comes last.
func TestRoutes(t *testing.T) {
	away := &outbox.Refusal{Server: "first", Answer: "it can't be reached"}
	unsure := &outbox.Refusal{Server: "first", Answer: "no answer", MaybeTaken: true}
	final := &outbox.Refusal{Server: "first", Answer: "no such number", Permanent: true}
	first, second := &way{name: "first", err: away}, &way{name: "second"}
	r := outbox.NewRoutes(first, second)
	send := func(l outbox.Outgoing) (outbox.Receipt, error) {
		first.n, second.n = 0, 0
		return r.Send(t.Context(), l)
	}
	var begun []string
	l := text
	l.Begin = func(_ context.Context, route string) error { begun = append(begun, route); return nil }
	if receipt, err := send(l); err != nil || receipt.Route != "second" || strings.Join(begun, " ") != "first second" {
		t.Errorf("away: %+v %v %v", receipt, err, begun)
	}
	if receipt, err := send(text); err != nil || receipt.Route != "second" || first.n != 0 {
		t.Errorf("known to be away, it was asked %d times: %+v %v", first.n, receipt, err)
	}
	r = outbox.NewRoutes(first, second)
	first.err = unsure
	_, err := send(text)
	var refusal *outbox.Refusal
	if !errors.As(err, &refusal) || refusal.Route != "first" || second.n != 0 {
		t.Errorf("unsure: %+v, the second was asked %d times", refusal, second.n)
	}
	l = text
	l.Route, first.err = "first", away
	if _, err := send(l); !errors.As(err, &refusal) || !refusal.MaybeTaken || refusal.Route != "first" || second.n != 0 {
		t.Errorf("the first may have it: %+v, the second was asked %d times", refusal, second.n)
	}
	l.Route = "gone"
	if _, err := send(l); !errors.As(err, &refusal) || !refusal.MaybeTaken || refusal.Route != "gone" || first.n+second.n != 0 {
		t.Errorf("a route that is gone: %v", err)
	}
	first.err = final
	r = outbox.NewRoutes(first, second)
	if _, err := send(text); !errors.As(err, &refusal) || !refusal.Permanent || second.n != 0 {
		t.Errorf("final: %v, the second was asked %d times", err, second.n)
	}
	l = text
	l.Begin = func(context.Context, string) error { return errors.New("dead") }
	if _, err := send(l); err == nil || first.n+second.n != 0 {
		t.Error("a message that is not ours any more was sent")
	}
}

func TestParseGateways(t *testing.T) {
	for _, good := range []string{"twilio://" + account + ":t@?from=MG00000000000000000000000000000012", "twilio://" + account + ":t@api.dublin.ie1.twilio.com?from=%2B16145550100",
		"vonage://k:s@?from=Acme", "smpp://u:p@gateway.example?from=12345", "smpp://u:p@gateway.example:2776?tls=implicit", "webhook+https://g.example/sms?secret=s"} {
		if _, err := outbox.ParseRoutes([]string{good}); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "sms://x", "twilio://AC1:t@?from=1", "twilio://" + account + "@?from=1", "twilio://" + account + ":t@", "twilio://" + account + ":t@evil.example?from=1",
		"twilio://" + account + ":t@eviltwilio.com?from=1", "twilio://" + account + ":t@?from=1&x=2", "vonage://k@?from=1", "vonage://k:s@", "vonage://k:s@evil.example?from=1",
		"smpp://gateway.example", "smpp://u:p@", "smpp://u:p@h?tls=maybe", "smpp://u:p@h?x=1", "smpp://u:p@h:%zz",
		"webhook+https://g.example/sms?secret=s&to=%zz", "webhook+https://g.example/sms?secret=s;x", "smpp://u:p@h?from=%zz"} {
		if _, err := outbox.ParseRoutes([]string{bad}); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	for _, between := range []string{",", " ", "; ", "\n"} {
		if _, err := outbox.ParseRoutes([]string{"webhook+https://a.example/sms?secret=s1" + between + "webhook+https://b.example/sms?secret=s2"}); err == nil || !strings.Contains(err.Error(), "several gateways") {
			t.Errorf("a list with %q: %v", between, err)
		}
	}
	if _, err := outbox.ParseRoutes([]string{"vonage://k:s@?from=1", "vonage://k:s2@?from=2"}); err == nil || !strings.Contains(err.Error(), "number 2: vonage k is given twice") {
		t.Errorf("twice: %v", err)
	}
}

// Twilio's own documentation has this signature for its example of a callback.
func TestTwilioSignature(t *testing.T) {
	form := url.Values{"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"}, "From": {"+14158675309"}, "To": {"+18005551212"}}
	if got := base64.StdEncoding.EncodeToString(outbox.SignTwilio("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", form)); got != "RSOYDt4T1cUTdK1PDd93/VVr8B8=" {
		t.Errorf("got %s", got)
	}
}

// Vonage's fields are signed sorted by name, without the characters that join them. Its
// libraries have this digest for this example.
func TestVonageCanonicalForm(t *testing.T) {
	form := url.Values{"a": {"1"}, "b": {"2"}, "timestamp": {"1461605396"}, "sig": {"x"}}
	sum := md5.Sum([]byte(outbox.Canonical(form) + "secret")) // the old way of signing, which we don't accept
	if got := hex.EncodeToString(sum[:]); got != "6af838ef94998832dbfc29020b564830" {
		t.Errorf("%s of %s", got, outbox.Canonical(form))
	}
	if got := outbox.Canonical(url.Values{"b": {"x&y=z"}, "a": {""}}); got != "&a=&b=x_y_z" {
		t.Errorf("got %s", got)
	}
}
