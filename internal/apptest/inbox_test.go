package apptest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/apptest"
	"countersign/internal/outbox"
)

// put adds a mail to the inbox without the outbox.
func put(h *apptest.App, n int) {
	h.T.Helper()
	l := outbox.Outgoing{ID: countersign.MessageID(fmt.Sprintf("%032x", n)), Channel: countersign.ChannelEmail, To: "bsmith@demo.example", Subject: fmt.Sprintf("Subject %d.", n),
		Text: fmt.Sprintf("Text %d: see http://localhost/welcome?link=abc&x=%d.\n<script>alert(1)</script>", n, n),
		HTML: fmt.Sprintf("<html><head></head><body><script>alert(1)</script>Mail %d</body></html>", n)}
	if _, err := h.Inbox.Send(h.T.Context(), l); err != nil {
		h.T.Fatal(err)
	}
}

// The demo's inbox shows the newest first, 20 per page. New messages do not shift an older page,
// and a line announces them.
func TestInboxPages(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		for n := range 45 {
			put(h, n)
		}
		b := h.Browser("192.0.2.10", apptest.Chrome)
		p := b.Get("/demo/inbox")
		if !p.Says("45 messages", "Subject 44.", "Subject 25.", "1 to 20 of 45") || p.Says("Subject 24.") || p.Says("Newer") {
			t.Fatalf("the first page: %s", p.Text())
		}
		older := "/demo/inbox?after=" + fmt.Sprintf("%032x", 25)
		put(h, 45)
		p = b.Get(older)
		if !p.Says("Subject 24.", "Subject 5.", "22 to 41 of 46") || p.Says("Subject 25.") || p.Says("Subject 4.") {
			t.Errorf("the second page after a new message: %s", p.Text())
		}
		if p = b.Get(older[:len(older)-2] + "05"); !p.Says("Subject 4.", "Subject 0.") || p.Says("Older") {
			t.Errorf("the last page: %s", p.Text())
		}
		watch := "/demo/inbox/new?to=&since=" + fmt.Sprintf("%032x", 44)
		if p = b.Get(watch); !p.Says("1 new message. Show it") || p.Header.Get("Refresh") == "" {
			t.Errorf("the line: %q %s", p.Header.Get("Refresh"), p.Text())
		}
		if p = b.Get(watch[:len(watch)-2] + "2d"); strings.Contains(p.Text(), "Show") {
			t.Errorf("nothing is new: %s", p.Text())
		}
		if p = b.Get("/demo/inbox?to=nobody@demo.example"); !p.Says("No message yet") {
			t.Errorf("an empty box: %s", p.Text())
		}
		answer := b.Do("GET", "/demo/inbox?to=bsmith@demo.example", nil, "Accept", "application/json")
		var all []map[string]any
		if err := json.Unmarshal([]byte(answer.Body), &all); err != nil || len(all) != 46 || all[0]["subject"] != "Subject 45." || all[0]["html"] == "" {
			t.Errorf("JSON: %v, %d messages", err, len(all))
		}
	})
}

// A mail is shown as mail programs show it, in a frame without scripts. The links of its text work.
func TestInboxShowsMailAsItRenders(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		put(h, 7)
		b := h.Browser("192.0.2.10", apptest.Chrome)
		p := b.Get("/demo/inbox")
		frame := "/demo/inbox/" + fmt.Sprintf("%032x", 7)
		if !p.Has("iframe", "src", frame) || !p.Has("iframe", "sandbox", "allow-popups allow-popups-to-escape-sandbox") {
			t.Errorf("no frame: %s", p.Body)
		}
		if !p.Has("a", "href", "http://localhost/welcome?link=abc&x=7") || strings.Contains(p.Body, "<script") {
			t.Errorf("the text: %s", p.Body)
		}
		if policy := p.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-src 'self'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("the page may: %s", policy)
		}
		mail := b.Get(frame)
		policy := mail.Header.Get("Content-Security-Policy")
		for _, must := range []string{"sandbox allow-popups allow-popups-to-escape-sandbox;", "default-src 'none'", "form-action 'none'", "frame-ancestors 'self'"} {
			if !strings.Contains(policy, must) {
				t.Errorf("the frame may more than %q: %s", must, policy)
			}
		}
		if strings.Contains(policy, "script-src") || !strings.Contains(mail.Body, "Mail 7") || !strings.Contains(mail.Body, `<base target="_blank">`) {
			t.Errorf("the frame: %s %s", policy, mail.Body)
		}
		if p := b.Get("/demo/inbox/nothing"); p.Status != 404 {
			t.Errorf("no such mail: %d", p.Status)
		}
	})
}
