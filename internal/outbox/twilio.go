package outbox

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" // #nosec G505 -- what Twilio signs with
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"countersign"
)

// A Twilio is an account at Twilio.
type Twilio struct {
	base   string
	sid    string
	token  string
	from   string
	client *http.Client
}

var accountSID = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)

// ParseTwilio parses twilio://SID:TOKEN@?from=+16145550100; from is a number, a short code or
// the SID of a Messaging Service.
func ParseTwilio(raw string) (*Twilio, error) {
	const like = "it must look like twilio://SID:TOKEN@?from=%2B16145550100"
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "twilio" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New(like)
	}
	t := &Twilio{sid: u.User.Username(), from: sender(u), client: httpClient()}
	t.token, _ = u.User.Password()
	var ours bool
	t.base, ours = baseURL(u, "api.twilio.com", "twilio.com")
	switch {
	case !accountSID.MatchString(t.sid) || t.token == "":
		return nil, errors.New(like + "; SID begins with AC and has 34 letters")
	case t.from == "":
		return nil, errors.New("from is missing: a number, a short code, or the SID of a Messaging Service")
	case !ours:
		return nil, errors.New("the host must be one of twilio.com, or none")
	}
	return t, checkOptions(u, "from")
}

// Name identifies the account: two accounts are two routes.
func (t *Twilio) Name() string { return "twilio " + t.sid[len(t.sid)-6:] }

// Send sends one text.
func (t *Twilio) Send(ctx context.Context, l Outgoing) (Receipt, error) {
	form := url.Values{"To": {l.To}, "Body": {l.Text}}
	if strings.HasPrefix(t.from, "MG") {
		form.Set("MessagingServiceSid", t.from)
	} else {
		form.Set("From", t.from)
	}
	if l.Life > 0 { // keeps an expired token from being delivered
		form.Set("ValidityPeriod", strconv.Itoa(min(max(int(l.Life.Seconds()), 1), 36000)))
	}
	if l.Callback != "" {
		form.Set("StatusCallback", l.Callback+"/receipts/twilio")
	}
	a, err := postForm(ctx, t.client, "Twilio", t.base+"/2010-04-01/Accounts/"+t.sid+"/Messages.json", form,
		func(r *http.Request) { r.SetBasicAuth(t.sid, t.token) })
	if err != nil {
		return Receipt{}, err
	}
	return t.readAnswer(a)
}

// twilioTag matches Twilio's message ID.
var twilioTag = regexp.MustCompile(`^[A-Z]{2}[0-9A-Za-z]{1,40}$`)

// twilioNumber are the errors that another try would not change: the number is invalid or no
// mobile number, or its owner replied STOP.
var twilioNumber = map[int]countersign.Reason{21211: countersign.ReasonNoAddress, 21217: countersign.ReasonNoAddress, 21219: countersign.ReasonRefused,
	21408: countersign.ReasonRefused, 21610: countersign.ReasonStopped, 21612: countersign.ReasonNoAddress, 21614: countersign.ReasonNoAddress,
	21635: countersign.ReasonNoAddress, 60410: countersign.ReasonBlocked}

func (t *Twilio) readAnswer(a answer) (Receipt, error) {
	var said struct {
		SID  string `json:"sid"`
		Code int    `json:"code"`
	}
	err := json.Unmarshal(a.body, &said)
	switch {
	case a.page && a.code/100 == 2: // after 502 or 504 the gateway may have it
		return Receipt{}, &Refusal{Server: "Twilio", Answer: "a web page answered instead of the gateway", Reason: countersign.ReasonSettings}
	case a.code/100 == 2 && (err != nil || said.SID == ""):
		return Receipt{}, &Refusal{Server: "Twilio", Answer: "its answer can't be read; the message may have been taken", Reason: countersign.ReasonSilent, MaybeTaken: true}
	case a.code/100 == 2:
		return Receipt{Server: "Twilio", Answer: status(a.code), Tag: twilioTag.FindString(said.SID)}, nil
	}
	r := failed("Twilio", a.code, status(a.code))
	if words := twilioErrors[strconv.Itoa(said.Code)]; words != "" {
		r.Answer = fmt.Sprintf("%d %d %s", a.code, said.Code, words)
	}
	if reason, final := twilioNumber[said.Code]; final && a.code == http.StatusBadRequest {
		r.Permanent, r.Reason = true, reason
	} else if a.code == http.StatusBadRequest {
		r.Reason = countersign.ReasonSettings
	}
	return Receipt{}, r
}

// Read reads a receipt from a callback that Twilio has signed.
func (t *Twilio) Read(c Callback) (DeliveryReport, error) {
	sent, err := base64.StdEncoding.DecodeString(c.Header.Get("X-Twilio-Signature"))
	if err != nil || !hmac.Equal(sent, signTwilio(t.token, c.URL, c.Form)) || c.Form.Get("AccountSid") != t.sid {
		return DeliveryReport{}, ErrForged
	}
	report := DeliveryReport{Tags: []string{c.Form.Get("MessageSid")}}
	switch c.Form.Get("MessageStatus") {
	case "delivered":
		report.Receipt = countersign.ReceiptDelivered
	case "undelivered", "failed":
		report.Receipt = countersign.ReceiptUndelivered
	}
	return report, nil
}

// signTwilio returns the signature of a callback: over its URL and its fields, sorted by name.
func signTwilio(token, address string, form url.Values) []byte {
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(address))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			mac.Write([]byte(name + value))
		}
	}
	return mac.Sum(nil)
}
