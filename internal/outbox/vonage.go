package outbox

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign"
	"countersign/internal/smpp"
)

// A Vonage is an account for Vonage's SMS API.
type Vonage struct {
	base      string
	key       string
	secret    string
	signature []byte // secret of callback signatures; empty: no callbacks are requested
	from      string
	client    *http.Client
}

// ParseVonage parses vonage://KEY:SECRET@?from=16145550100&signature=…; signature is the
// secret that Vonage signs receipts with, by HMAC-SHA-256.
func ParseVonage(raw string) (*Vonage, error) {
	const like = "it must look like vonage://KEY:SECRET@?from=16145550100"
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "vonage" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New(like)
	}
	v := &Vonage{key: u.User.Username(), from: strings.TrimPrefix(sender(u), "+"), signature: []byte(u.Query().Get("signature")), client: httpClient()}
	v.secret, _ = u.User.Password()
	var ours bool
	v.base, ours = baseURL(u, "rest.nexmo.com", "nexmo.com")
	switch {
	case v.key == "" || v.secret == "":
		return nil, errors.New(like)
	case v.from == "":
		return nil, errors.New("from is missing: a number or a name that the account may send from")
	case !ours:
		return nil, errors.New("the host must be one of nexmo.com, or none")
	}
	return v, checkOptions(u, "from", "signature")
}

// Name identifies the account.
func (v *Vonage) Name() string { return "vonage " + v.key }

// Send sends one text.
func (v *Vonage) Send(ctx context.Context, l Outgoing) (Receipt, error) {
	form := url.Values{"api_key": {v.key}, "api_secret": {v.secret}, "from": {v.from}, "to": {strings.TrimPrefix(l.To, "+")}, "text": {l.Text}, "client-ref": {string(l.ID)}}
	if !smpp.Plain(l.Text) {
		form.Set("type", "unicode")
	}
	if l.Life > 0 { // Vonage's minimum is 20 seconds
		form.Set("ttl", strconv.FormatInt(max(l.Life.Milliseconds(), 20_000), 10))
	}
	if l.Callback != "" && len(v.signature) > 0 {
		form.Set("status-report-req", "1")
		form.Set("callback", l.Callback+"/receipts/vonage")
	}
	a, err := postForm(ctx, v.client, "Vonage", v.base+"/sms/json", form, func(*http.Request) {})
	if err != nil {
		return Receipt{}, err
	}
	return v.readAnswer(a)
}

// Vonage's statuses: accepted, and an internal error after which the message may go out
// anyway.
const (
	vonageTaken = "0"
	vonageError = "5"
)

var (
	vonageNumber   = []string{"7", "33"}                                                         // permanent: the number is barred or invalid
	vonageSettings = []string{"2", "3", "4", "8", "9", "11", "12", "14", "15", "22", "23", "29"} // our settings
)

// vonageErrors describes Vonage's statuses in our own words. Vonage's own texts may repeat the
// message (OT-10).
var vonageErrors = map[string]string{
	"1": "too many messages", "2": "a parameter is missing", "3": "a parameter is wrong", "4": "it did not take our login",
	"5": "an error of its own", "6": "the message can't be sent", "7": "the number is barred", "8": "the account is barred",
	"9": "the account has no funds", "10": "too many connections", "11": "the account is not enabled for this", "12": "the text is too long",
	"14": "the signature is wrong", "15": "the sender is not allowed", "22": "the network is not known", "23": "the callback is not allowed",
	"29": "the number is not on the list of a trial account", "33": "there is no such number",
}

func (v *Vonage) readAnswer(a answer) (Receipt, error) {
	var said struct {
		Messages []struct {
			ID     string `json:"message-id"`
			Status string `json:"status"`
		} `json:"messages"`
	}
	err := json.Unmarshal(a.body, &said)
	switch {
	case a.page && a.code/100 == 2: // after 502 or 504 the gateway may have it
		return Receipt{}, &Refusal{Server: "Vonage", Answer: "a web page answered instead of the gateway", Reason: countersign.ReasonSettings}
	case a.code/100 != 2:
		return Receipt{}, failed("Vonage", a.code, status(a.code))
	case err != nil || len(said.Messages) == 0:
		return Receipt{}, &Refusal{Server: "Vonage", Answer: "its answer can't be read; the message may have been taken", Reason: countersign.ReasonSilent, MaybeTaken: true}
	}
	first := said.Messages[0]
	if first.Status == vonageTaken {
		return Receipt{Server: "Vonage", Answer: status(a.code), Tag: first.ID}, nil
	}
	r := &Refusal{Server: "Vonage", Answer: "an error that is not known here", Reason: countersign.ReasonRefused, MaybeTaken: first.Status == vonageError}
	if words := vonageErrors[first.Status]; words != "" {
		r.Answer = "status " + first.Status + " " + words
	}
	switch {
	case slices.Contains(vonageNumber, first.Status):
		r.Permanent, r.Reason = true, countersign.ReasonNoAddress
	case slices.Contains(vonageSettings, first.Status):
		r.Reason = countersign.ReasonSettings
	case first.Status == "1":
		r.Reason = countersign.ReasonRateLimited
	case r.MaybeTaken:
		r.Reason = countersign.ReasonSilent
	}
	return Receipt{}, r
}

// Read reads a receipt from a callback that Vonage has signed recently.
func (v *Vonage) Read(c Callback) (DeliveryReport, error) {
	sent, err := hex.DecodeString(c.Form.Get("sig"))
	if err != nil || len(v.signature) == 0 || !hmac.Equal(sent, signVonage(v.signature, c.Form)) {
		return DeliveryReport{}, ErrForged
	}
	seconds, err := strconv.ParseInt(c.Form.Get("timestamp"), 10, 64)
	if err != nil || !c.recent(time.Unix(seconds, 0)) {
		return DeliveryReport{}, ErrForged
	}
	report := DeliveryReport{Tags: []string{c.Form.Get("messageId")}}
	switch c.Form.Get("status") {
	case "delivered":
		report.Receipt = countersign.ReceiptDelivered
	case "expired", "failed", "rejected":
		report.Receipt = countersign.ReceiptUndelivered
	}
	return report, nil
}

// signVonage returns the signature of a callback over its other fields.
func signVonage(secret []byte, form url.Values) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(canonical(form)))
	return mac.Sum(nil)
}

// canonical joins the fields, sorted by name, as Vonage signs them.
func canonical(form url.Values) string {
	var all strings.Builder
	clean := strings.NewReplacer("&", "_", "=", "_")
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if name != "sig" {
			all.WriteString("&" + clean.Replace(name) + "=" + clean.Replace(form.Get(name)))
		}
	}
	return all.String()
}
