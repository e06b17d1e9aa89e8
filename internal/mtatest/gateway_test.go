package mtatest

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// post sends a body to the gateway as the product does, signed with secret.
func post(t *testing.T, g *Texter, secret, body string) int {
	t.Helper()
	u, err := url.Parse(strings.TrimPrefix(g.URL(), "webhook+"))
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = ""
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.String(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "k1")
	r.Header.Set("Countersign-Signature", fmt.Sprintf("%x", mac.Sum(nil)))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

// record replaces the test whose failure is expected.
type record struct {
	testing.TB
	failures []string
}

func (r *record) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func TestTextsAreKeptInOrder(t *testing.T) {
	g := Gateway(t)
	if want := "webhook+http://127.0.0.1:"; !strings.HasPrefix(g.URL(), want) || !strings.HasSuffix(g.URL(), "/sms?secret=gateway-secret") {
		t.Errorf("got the URL %s", g.URL())
	}
	const body = `{"to":"+16145550123","text":"Your token is 344078","reference":"m1"}`
	if got := post(t, g, gatewaySecret, body); got != 202 {
		t.Errorf("got %d, want 202", got)
	}
	post(t, g, gatewaySecret, `{"to":"+16145550199","text":"Hello","reference":"m2"}`)
	got := g.Wait(t, "+16145550123", 1)
	want := []Text{{To: "+16145550123", Text: "Your token is 344078", Reference: "m1", Key: "k1"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if all := g.Texts(""); len(all) != 2 {
		t.Errorf("got %d texts in all, want 2", len(all))
	}
}

func TestAGatewayThatIsAway(t *testing.T) {
	g := Gateway(t)
	const body = `{"to":"+16145550123","text":"Hello","reference":"m1"}`
	g.Answer(http.StatusServiceUnavailable)
	if got := post(t, g, gatewaySecret, body); got != 503 || len(g.Texts("")) != 0 {
		t.Errorf("got %d and %d texts, want 503 and none", got, len(g.Texts("")))
	}
	g.Answer(0)
	if got := post(t, g, gatewaySecret, body); got != 202 || len(g.Texts("")) != 1 {
		t.Errorf("got %d and %d texts, want 202 and one", got, len(g.Texts("")))
	}
}

func TestWhatIsNotATextFailsTheTest(t *testing.T) {
	for name, c := range map[string]struct{ secret, body, want string }{
		"forged":        {"another", `{"to":"+16145550123","text":"Hello","reference":"m1"}`, "signature"},
		"unknown field": {gatewaySecret, `{"to":"+16145550123","text":"Hello","reference":"m1","from":"x"}`, "unknown field"},
		"not JSON":      {gatewaySecret, `to=+16145550123`, "invalid character"},
		"no reference":  {gatewaySecret, `{"to":"+16145550123","text":"Hello"}`, "lacks something"},
	} {
		t.Run(name, func(t *testing.T) {
			seen := &record{TB: t}
			g := Gateway(seen)
			if got := post(t, g, c.secret, c.body); got != 400 {
				t.Errorf("got %d, want 400", got)
			}
			if said := strings.Join(seen.failures, "\n"); !strings.Contains(said, c.want) {
				t.Errorf("got %q, want %q", said, c.want)
			}
		})
	}
}
