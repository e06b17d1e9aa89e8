package outbox

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/browsertest"
	"countersign/internal/wording"
)

// On a small phone no mail is wider than the screen, even with a user ID of 60 characters, and
// no phone number breaks over two lines.
func TestLettersFitASmallPhone(t *testing.T) {
	letters := map[string]string{}
	preferences := help
	preferences.Help = "Support desk of Acme Insurance, phone 614-555-0100"
	for name, m := range samples() {
		if m.Channel == countersign.ChannelSMS {
			continue
		}
		m.Channel = countersign.ChannelEmail
		m.Data["UserID"] = strings.Repeat("ABCDEFGHIJ", 6)
		l, err := Render(acme, preferences, m, "x@acme.example", wording.Texts{})
		if err != nil {
			t.Fatal(err)
		}
		letters["/"+name] = l.HTML
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(letters[r.URL.Path] + `<link rel="icon" href="data:,">`))
	}))
	t.Cleanup(server.Close)
	w := browsertest.Open(t, browsertest.Options{Look: browsertest.Look{Width: 320}})
	for path := range letters {
		w.Go(server.URL + path)
		if wide := browsertest.Eval[int](w, "document.documentElement.scrollWidth"); wide > 320 {
			t.Errorf("%s is %d pixels wide", path, wide)
		}
		for _, text := range w.Broken() {
			t.Errorf("%s breaks %q over two lines", path, text)
		}
	}
}
