package web

import (
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/signin"
)

// A message that is being handed over is on its way; only one that was tried in
// vain, or waits for long, is delayed.
func TestDeliveryOfWaitingMessages(t *testing.T) {
	s := &Server{Mail: func() bool { return true }}
	now := time.Date(2026, 11, 2, 14, 0, 0, 0, time.UTC)
	tests := []struct {
		name  string
		state countersign.MessageState
		tries int
		after time.Duration
		route string
		want  string
	}{
		{"queued", countersign.Waiting, 0, time.Second, "", "waiting"},
		{"handed over for the first time", countersign.Sending, 1, time.Second, "", "waiting"},
		{"tried in vain", countersign.Waiting, 1, time.Second, "", "delayed"},
		{"handed over again", countersign.Sending, 2, time.Second, "", "delayed"},
		{"queued for long", countersign.Waiting, 0, lookAgain, "", "delayed"},
		{"it may have arrived", countersign.Waiting, 1, time.Second, "webhook", "delayed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			view := signin.View{Message: countersign.Message{ID: "m", Channel: countersign.BySMS, State: tt.state, Tries: tt.tries, Created: now, Route: tt.route}}
			got := s.delivery(base{Now: now.Add(tt.after)}, view, "/sign-in/token")
			if got.State != tt.want || got.Look != "/sign-in/token" {
				t.Errorf("got %+v, want %q", got, tt.want)
			}
		})
	}
}

// What a mail server asks for is said in its own words; what a text gateway
// answers to programs is for administrators.
func TestWordsOfADelay(t *testing.T) {
	s := &Server{Mail: func() bool { return true }}
	for channel, want := range map[countersign.Channel]string{
		countersign.ByEmail: "mail.acme.example asks to try again later: 450 4.2.1 {\"busy\"}. The token",
		countersign.BySMS:   "The text service can't be used just now. The token",
	} {
		view := signin.View{Message: countersign.Message{ID: "m", Channel: channel, State: countersign.Waiting, Tries: 1, Server: "mail.acme.example", Answer: `450 4.2.1 {"busy"}`}}
		if got := s.delivery(base{}, view, "/sign-in/token").Text; !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", channel, got, want)
		}
	}
}
