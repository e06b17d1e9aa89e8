package apptest_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"countersign/internal/apptest"
	"countersign/internal/ops"
	"countersign/internal/outbox"
)

// The state of the outbox is reported at /metrics, with waiting tokens separately and no recipient
// (AU-02).
func TestMetricsOfMessages(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		meter := ops.NewMeter(func() (int, int) { return 0, 0 }, h.DB.Queues)
		h.Outbox.Count = meter.Delivered
		door := ops.Server{Ping: h.DB.Ping, Meter: meter}.Handler()
		says := func(wanted ...string) {
			t.Helper()
			w := httptest.NewRecorder()
			door.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
			for _, line := range wanted {
				if !strings.Contains(w.Body.String(), line+"\n") {
					t.Errorf("/metrics does not say %s", line)
				}
			}
			if strings.Contains(w.Body.String(), "bsmith@") {
				t.Error("/metrics names an address")
			}
		}
		const tokens, age = `countersign_messages_waiting{channel="email",content="token"} `, `countersign_messages_oldest_seconds{channel="email",content="token"} `
		says(tokens+"0", age+"0")
		h.User("BSMITH")
		h.Mail("")
		b := h.Browser("192.0.2.10", apptest.Chrome)
		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		says(tokens+"1", `countersign_messages_waiting{channel="sms",content="token"} 0`)

		mail := h.Outbox.Mail
		h.Outbox.Mail = server(func(outbox.Outgoing) error { return errors.New("no") })
		if _, err := h.Outbox.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
		says(tokens+"1", `countersign_messages_total{channel="email",content="token",state="waiting"} 1`)
		h.Outbox.Mail = mail
		h.Pass(apptest.Day)
		h.Mail("")
		says(tokens+"0", age+"0") // it expired before any delivery was tried

		b.SignIn("BSMITH")
		b.Post("/set-up/email", "email", "bsmith@demo.example")
		h.Mail("")
		says(`countersign_messages_total{channel="email",content="token",state="sent"} 1`)
	})
}

// If the database is unreachable the queue metrics are missing, and the rest is reported.
func TestMetricsWithoutADatabase(t *testing.T) {
	h := apptest.Open(t, apptest.SQLite(t))
	meter := ops.NewMeter(func() (int, int) { return 0, 0 }, h.DB.Queues)
	door := ops.Server{Ping: h.DB.Ping, Meter: meter}.Handler()
	if err := h.DB.Close(); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	door.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body := w.Body.String()
	if w.Code != 200 || !strings.Contains(body, "countersign_database_up 0") || strings.Contains(body, "countersign_messages_waiting{") {
		t.Errorf("%d %.200s", w.Code, body)
	}
}
