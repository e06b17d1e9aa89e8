package mtatest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// gatewaySecret signs what is sent to the gateway.
const gatewaySecret = "gateway-secret"

// A Text is a text message that the gateway has accepted.
type Text struct {
	To        string `json:"to"` // E.164
	Text      string `json:"text"`
	Reference string `json:"reference"`
	Key       string `json:"-"` // Idempotency-Key: the same for every try of one message; empty: none was sent
}

// A Texter is a gateway for text messages: an HTTP server that checks signatures and keeps the
// messages.
type Texter struct {
	server *httptest.Server

	mu     sync.Mutex
	texts  []Text
	status int // of its answers; 0: 202, and the text is kept
}

// Gateway starts a gateway, which ends with the test. It reports a test error for a message
// that is not signed or has the wrong format.
func Gateway(t testing.TB) *Texter {
	t.Helper()
	g := &Texter{}
	g.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, wrong := read(r)
		if wrong != "" {
			t.Errorf("the text gateway was sent what it can't take: %s", wrong)
			http.Error(w, wrong, http.StatusBadRequest)
			return
		}
		w.WriteHeader(g.take(text))
	}))
	t.Cleanup(g.server.Close)
	return g
}

// URL returns the setting that sends text messages here.
func (g *Texter) URL() string {
	return "webhook+" + g.server.URL + "/sms?" + url.Values{"secret": {gatewaySecret}}.Encode()
}

// Answer sets the status of the answers from now on; texts are kept only if it is below 300. 0
// is the default answer, 202.
func (g *Texter) Answer(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status = status
}

// Texts returns the accepted texts to a number. An empty number means any.
func (g *Texter) Texts(to string) (texts []Text) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, text := range g.texts {
		if to == "" || text.To == to {
			texts = append(texts, text)
		}
	}
	return texts
}

// Wait waits until n texts to a number were accepted, and returns all accepted ones.
func (g *Texter) Wait(t testing.TB, to string, n int) []Text {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		texts := g.Texts(to)
		if len(texts) >= n {
			return texts
		}
		if time.Now().After(end) {
			t.Fatalf("got %d texts to %q, want %d; all that came: %+v", len(texts), to, n, g.Texts(""))
		}
	}
}

func (g *Texter) take(text Text) (status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	status = g.status
	if status == 0 {
		status = http.StatusAccepted
	}
	if status < 300 {
		g.texts = append(g.texts, text)
	}
	return status
}

// read reads a text from a request, or says what is wrong with it.
func read(r *http.Request) (text Text, wrong string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return text, err.Error()
	}
	mac := hmac.New(sha256.New, []byte(gatewaySecret))
	mac.Write(body)
	signature, err := hex.DecodeString(r.Header.Get("Countersign-Signature"))
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/sms":
		return text, r.Method + " " + r.URL.Path
	case r.URL.RawQuery != "":
		return text, "the query " + r.URL.RawQuery + ", which holds the secret"
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		return text, "the content type " + r.Header.Get("Content-Type")
	case err != nil || !hmac.Equal(signature, mac.Sum(nil)):
		return text, "a wrong signature: " + r.Header.Get("Countersign-Signature")
	}
	shape := json.NewDecoder(strings.NewReader(string(body)))
	shape.DisallowUnknownFields()
	if err := shape.Decode(&text); err != nil {
		return text, err.Error()
	}
	text.Key = r.Header.Get("Idempotency-Key")
	if text.To == "" || text.Text == "" || text.Reference == "" {
		return text, "a text that lacks something: " + string(body)
	}
	return text, ""
}
