package outbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// A Webhook hands text messages to a gateway of the agency's own: a POST of
// {"to","text","reference"}, signed.
type Webhook struct {
	url    string // without the secret
	host   string
	secret []byte
	client *http.Client
}

// ParseWebhook reads webhook+https://host/path?secret=…; webhook+http is for
// loopback only.
func ParseWebhook(raw string) (*Webhook, error) {
	u, err := url.Parse(strings.TrimPrefix(raw, "webhook+"))
	if err != nil || !strings.HasPrefix(raw, "webhook+") || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("it must look like webhook+https://gateway.example/send?secret=…")
	}
	if u.Scheme == "http" && !local(u.Hostname()) {
		return nil, errors.New("webhook+http is for this machine only; use webhook+https")
	}
	query := u.Query()
	secret := query.Get("secret")
	if secret == "" {
		return nil, errors.New("secret is missing: the gateway checks the signature with it")
	}
	query.Del("secret")
	u.RawQuery = query.Encode()
	return &Webhook{url: u.String(), host: u.Hostname(), secret: []byte(secret), client: quietClient()}, nil
}

func local(name string) bool {
	return name == "localhost" || net.ParseIP(name).IsLoopback()
}

// Send posts one text message.
func (h *Webhook) Send(ctx context.Context, l Letter) (Receipt, error) {
	body, err := json.Marshal(map[string]string{"to": l.To, "text": l.Text, "reference": l.Reference})
	if err != nil {
		return Receipt{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return Receipt{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", string(l.ID))
	r.Header.Set("Countersign-Signature", Sign(h.secret, body))
	answer, err := h.client.Do(r)
	if err != nil {
		return Receipt{}, &Refusal{Server: h.host, Answer: "it can't be reached", Err: err}
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 4096))
	if err != nil {
		return Receipt{}, &Refusal{Server: h.host, Answer: "the answer broke off", Err: err}
	}
	return h.judge(answer, string(text))
}

// Sign is the signature of a body: HMAC-SHA-256 in hex.
func Sign(secret, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// judge reads the gateway's answer: 2xx is taken, unless it is a web page; most
// 4xx are final; everything else may pass.
func (h *Webhook) judge(answer *http.Response, text string) (Receipt, error) {
	said := fmt.Sprintf("%d %s", answer.StatusCode, oneLine(text))
	if runes := []rune(said); len(runes) > 200 {
		said = string(runes[:200])
	}
	page := strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html")
	switch code := answer.StatusCode; {
	case code/100 == 2 && !page:
		return Receipt{Server: h.host, Answer: said}, nil
	case code/100 == 2:
		return Receipt{}, &Refusal{Server: h.host, Answer: "it answered with a web page"}
	case code/100 == 4 && code != http.StatusRequestTimeout && code != http.StatusTooEarly && code != http.StatusTooManyRequests:
		return Receipt{}, &Refusal{Server: h.host, Answer: said, Permanent: true}
	default:
		return Receipt{}, &Refusal{Server: h.host, Answer: said}
	}
}
