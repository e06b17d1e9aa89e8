package outbox

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign"
)

// A Webhook sends text messages to the agency's own gateway: a signed POST of
// {"to","text","reference"}.
type Webhook struct {
	url    string // without the secret
	host   string
	secret []byte
	client *http.Client
}

// ParseWebhook parses webhook+https://host/path?secret=…; webhook+http is for loopback only.
func ParseWebhook(raw string) (*Webhook, error) {
	u, err := url.Parse(strings.TrimPrefix(raw, "webhook+"))
	if err != nil || !strings.HasPrefix(raw, "webhook+") || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("it must look like webhook+https://gateway.example/send?secret=…")
	}
	if u.Scheme == "http" && !isLocal(u.Hostname()) {
		return nil, errors.New("webhook+http is for this machine only; use webhook+https")
	}
	if err := checkQuery(u); err != nil {
		return nil, err
	}
	query := u.Query()
	secret := query.Get("secret")
	if secret == "" {
		return nil, errors.New("secret is missing: the gateway checks the signature with it")
	}
	query.Del("secret")
	u.RawQuery = query.Encode()
	return &Webhook{url: u.String(), host: u.Hostname(), secret: []byte(secret), client: httpClient()}, nil
}

func isLocal(name string) bool {
	return name == "localhost" || net.ParseIP(name).IsLoopback()
}

// Name returns the gateway's host and path.
func (h *Webhook) Name() string {
	address, _, _ := strings.Cut(h.url, "?")
	return "webhook " + address
}

// testReference is the reference of a text without a token, because a gateway may require one.
const testReference = "TEST"

// Send posts one text message.
func (h *Webhook) Send(ctx context.Context, l Outgoing) (Receipt, error) {
	body, err := json.Marshal(map[string]string{"to": l.To, "text": l.Text, "reference": cmp.Or(l.Reference, testReference)})
	if err != nil {
		return Receipt{}, err
	}
	r, err := http.NewRequest(http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return Receipt{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", string(l.ID))
	r.Header.Set("Countersign-Signature", Sign(h.secret, body))
	if l.Callback != "" {
		r.Header.Set("Countersign-Receipts", l.Callback+"/receipts/webhook")
	}
	a, err := post(ctx, h.client, h.host, r)
	if err != nil {
		return Receipt{}, err
	}
	receipt, err := h.readAnswer(a)
	receipt.Tag = string(l.ID)
	return receipt, err
}

// Sign returns the signature of a body: HMAC-SHA-256 in hex.
func Sign(secret, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// readAnswer reads the gateway's answer. 2xx means accepted, unless it is a web page; most 4xx
// are permanent; everything else may be temporary.
func (h *Webhook) readAnswer(a answer) (Receipt, error) {
	said := status(a.code)
	switch code := a.code; {
	case code/100 == 2 && !a.page:
		return Receipt{Server: h.host, Answer: said}, nil
	case code/100 == 2:
		return Receipt{}, &Refusal{Server: h.host, Answer: "a web page answered instead of the gateway", Reason: countersign.ReasonSettings}
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusNotFound, code == http.StatusMethodNotAllowed:
		return Receipt{}, &Refusal{Server: h.host, Answer: said, Reason: countersign.ReasonSettings} // our settings, not the number
	case code/100 == 4 && code != http.StatusRequestTimeout && code != http.StatusTooEarly && code != http.StatusTooManyRequests:
		return Receipt{}, &Refusal{Server: h.host, Answer: said, Reason: countersign.ReasonRefused, Permanent: true}
	default:
		return Receipt{}, failed(h.host, code, said)
	}
}

// Read reads a receipt from a callback: a POST of {"id","status","at"}, signed as our own
// requests are; at is in Unix seconds.
func (h *Webhook) Read(c Callback) (DeliveryReport, error) {
	if !hmac.Equal([]byte(c.Header.Get("Countersign-Signature")), []byte(Sign(h.secret, c.Body))) {
		return DeliveryReport{}, ErrForged
	}
	var said struct {
		ID     string `json:"id"`
		Status string `json:"status"`
		At     int64  `json:"at"`
	}
	if err := json.Unmarshal(c.Body, &said); err != nil || said.ID == "" {
		return DeliveryReport{}, ErrUnread
	}
	if !c.recent(time.Unix(said.At, 0)) {
		return DeliveryReport{}, ErrForged
	}
	report := DeliveryReport{Tags: []string{said.ID}}
	switch said.Status {
	case "delivered":
		report.Receipt = countersign.ReceiptDelivered
	case "undelivered":
		report.Receipt = countersign.ReceiptUndelivered
	}
	return report, nil
}
