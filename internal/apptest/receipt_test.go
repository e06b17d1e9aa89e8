package apptest_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/apptest"
	"countersign/internal/outbox"
)

const account = "AC00000000000000000000000000000012"

// A teller sends a gateway's delivery report about a message to a host of the application.
type teller func(h *apptest.App, host, tag, status string, secret string, at time.Time) int

func postForm(h *apptest.App, host, path string, form url.Values, header ...string) int {
	return post(h, host, path, form.Encode(), append(header, "Content-Type", "application/x-www-form-urlencoded")...)
}

func post(h *apptest.App, host, path, body string, header ...string) int {
	r := httptest.NewRequest("POST", "http://"+host+path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.Door.ServeHTTP(w, r)
	return w.Code
}

func tellTwilio(h *apptest.App, host, tag, status, secret string, _ time.Time) int {
	form := url.Values{"AccountSid": {account}, "MessageSid": {tag}, "MessageStatus": {status}, "To": {"+16145550112"}}
	mac := hmac.New(sha1.New, []byte(secret))
	fmt.Fprint(mac, "http://"+host+"/receipts/twilio")
	for _, name := range slices.Sorted(maps.Keys(form)) {
		fmt.Fprint(mac, name, form.Get(name))
	}
	return postForm(h, host, "/receipts/twilio", form, "X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func tellVonage(h *apptest.App, host, tag, status, secret string, at time.Time) int {
	form := url.Values{"messageId": {tag}, "status": {status}, "msisdn": {"16145550112"}, "timestamp": {fmt.Sprint(at.Unix())}, "err-code": {"0"}}
	mac := hmac.New(sha256.New, []byte(secret))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		fmt.Fprint(mac, "&", name, "=", form.Get(name))
	}
	form.Set("sig", strings.ToUpper(hex.EncodeToString(mac.Sum(nil))))
	return postForm(h, host, "/receipts/vonage", form)
}

func tellWebhook(h *apptest.App, host, tag, status, secret string, at time.Time) int {
	body := fmt.Sprintf(`{"id":%q,"status":%q,"at":%d}`, tag, status, at.Unix())
	return post(h, host, "/receipts/webhook", body, "Content-Type", "application/json", "Countersign-Signature", outbox.Sign([]byte(secret), []byte(body)))
}

// Delivery reports change what the token page says, and only real ones do: forged, old, unknown and
// foreign ones are refused, and one that is repeated, or comes after the delivery, changes nothing.
// Each gateway has its own signature.
func TestReceipts(t *testing.T) {
	for name, g := range map[string]struct {
		url    string
		answer func(n int) string
		tag    func(m countersign.Message) string
		tell   teller
		dated  bool
	}{
		"twilio": {"twilio://" + account + ":s3cret@HOST?from=%2B16145550100", func(n int) string { return fmt.Sprintf(`{"sid":"SM%d","status":"queued"}`, n) },
			func(m countersign.Message) string { return "SM1" }, tellTwilio, false},
		"vonage": {"vonage://key:s@HOST?from=16145550100&signature=s3cret", func(n int) string {
			return fmt.Sprintf(`{"messages":[{"message-id":"SM%d","status":"0"}]}`, n)
		}, func(m countersign.Message) string { return "SM1" }, tellVonage, true},
		"webhook": {"webhook+http://HOST/sms?secret=s3cret", func(int) string { return "{}" },
			func(m countersign.Message) string { return string(m.ID) }, tellWebhook, true},
	} {
		t.Run(name, func(t *testing.T) {
			apptest.Each(t, func(t *testing.T, h *apptest.App) {
				n := 0
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					n++
					_, _ = io.WriteString(w, g.answer(n))
				}))
				defer server.Close()
				routes, err := outbox.ParseRoutes([]string{strings.Replace(g.url, "HOST", strings.TrimPrefix(server.URL, "http://"), 1)})
				if err != nil {
					t.Fatal(err)
				}
				b := askForText(h, "BSMITH")
				h.Outbox.Text = routes
				h.Mail("")
				if p := b.Get("/set-up/sms"); !p.Says("Accepted by") {
					t.Fatalf("not accepted: %s", p.Text())
				}
				tag := g.tag(newest(t, h))
				status := func(want int, got int, what string) {
					t.Helper()
					if got != want {
						t.Errorf("%s: answered %d, want %d", what, got, want)
					}
				}
				foreign := "other.localhost"
				if _, err := h.Admin.AddAgency(t.Context(), h.Now(), countersign.Agency{Code: "OTHER", Name: "Other", Hosts: []string{foreign}}); err != nil {
					t.Fatal(err)
				}
				status(403, g.tell(h, "localhost", tag, "delivered", "wrong", h.Now()), "forged")
				if g.dated {
					status(403, g.tell(h, "localhost", tag, "delivered", "s3cret", h.Now().Add(-10*time.Minute)), "old")
				}
				status(404, g.tell(h, "localhost", "unknown", "delivered", "s3cret", h.Now()), "unknown")
				status(404, g.tell(h, foreign, tag, "delivered", "s3cret", h.Now()), "foreign")
				status(404, post(h, "localhost", "/receipts/nobody", "x"), "a gateway that is none")
				status(421, g.tell(h, "stranger.example", tag, "delivered", "s3cret", h.Now()), "a host that is none")
				if p := b.Get("/set-up/sms"); !p.Says("Accepted by") {
					t.Fatalf("a refused receipt counted: %s", p.Text())
				}
				status(204, g.tell(h, "localhost", tag, "undelivered", "s3cret", h.Now()), "not delivered")
				if p := b.Get("/set-up/sms"); name != "vonage" && !p.Says("The token could not be delivered", "The network of the number ending 12 did not deliver") {
					t.Errorf("not delivered: %s", p.Text())
				}
				h.Pass(3 * time.Second)
				status(204, g.tell(h, "localhost", tag, "delivered", "s3cret", h.Now()), "delivered")
				h.Pass(3 * time.Second)
				status(204, g.tell(h, "localhost", tag, "delivered", "s3cret", h.Now()), "again")
				status(204, g.tell(h, "localhost", tag, "failed", "s3cret", h.Now()), "after the delivery")
				if p := b.Get("/set-up/sms"); !p.Says("Delivered to your phone at 2:00:03 PM") {
					t.Errorf("delivered: %s", p.Text())
				}
			})
		})
	}
}

// askForText returns a browser in set-up that has just requested a token by text message.
func askForText(h *apptest.App, login string) *apptest.Browser {
	h.T.Helper()
	h.User(login)
	to := strings.ToLower(login) + "@demo.example"
	b := h.Browser("192.0.2.10", apptest.Chrome)
	b.SignIn(login)
	b.Post("/set-up/email", "email", to)
	b.Post("/set-up/email/token", "token", h.Token(to))
	b.Get("/set-up/sms")
	if p := b.Post("/set-up/sms", "phone", "6145550112"); !p.Says("reference") && !p.Says("Reference") {
		h.T.Fatalf("no token was asked for: %s", p.Text())
	}
	return b
}

// newest returns the newest text message.
func newest(t *testing.T, h *apptest.App) countersign.Message {
	t.Helper()
	u, err := h.Admin.User(t.Context(), h.Visit(), apptest.Operator, "BSMITH")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(u.Messages, func(m countersign.Message) bool { return m.Channel == countersign.ChannelSMS })
	if i < 0 {
		t.Fatal("there is no text message")
	}
	return u.Messages[i]
}
