package web

import (
	"countersign/internal/authn"
	"strings"
	"testing"
	"time"

	"countersign"
)

// A message under way is not delayed. One that was tried and failed, or that waits for long, is.
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
		{"queued", countersign.StateWaiting, 0, time.Second, "", "waiting"},
		{"handed over for the first time", countersign.StateSending, 1, time.Second, "", "waiting"},
		{"tried in vain", countersign.StateWaiting, 1, time.Second, "", "delayed"},
		{"handed over again", countersign.StateSending, 2, time.Second, "", "delayed"},
		{"queued for long", countersign.StateWaiting, 0, checkAgainAfter, "", "delayed"},
		{"it may have arrived", countersign.StateWaiting, 1, time.Second, "webhook", "delayed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			view := authn.View{Message: countersign.Message{ID: "m", Channel: countersign.ChannelSMS, State: tt.state, Tries: tt.tries, Created: now, Route: tt.route}}
			got := s.delivery(base{Now: now.Add(tt.after)}, view, "/sign-in/token")
			if got.State != tt.want || got.Look != "/sign-in/token" {
				t.Errorf("got %+v, want %q", got, tt.want)
			}
		})
	}
}

// Pages explain why a token does not arrive in our own words, never in a server's (OT-10).
func TestWordsOfADelay(t *testing.T) {
	s := &Server{Mail: func() bool { return true }}
	const foreign = `450 4.2.1 {"busy": "344078"}`
	for reason, want := range map[countersign.Reason]string{
		countersign.ReasonLater:       "The mail server asked us to try again later. The token",
		countersign.ReasonRateLimited: "The mail server asked us to try again later. The token",
		countersign.ReasonMailboxFull: "Your mailbox is full. The token",
		countersign.ReasonSettings:    "The mail server can't be used right now. The token",
		countersign.ReasonUnreachable: "The mail server doesn't answer. The token",
	} {
		view := authn.View{Message: countersign.Message{ID: "m", Channel: countersign.ChannelEmail, State: countersign.StateWaiting, Tries: 1, Server: "mail.acme.example", Answer: foreign, Reason: reason}}
		if got := s.delivery(base{}, view, "/sign-in/token").Text; !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", reason, got, want)
		}
	}
	for _, reason := range []countersign.Reason{countersign.ReasonMailboxFull, countersign.ReasonNoAddress, countersign.ReasonBlocked, countersign.ReasonStopped, countersign.ReasonTooLarge, countersign.ReasonRefused, ""} {
		view := authn.View{Message: countersign.Message{ID: "m", Channel: countersign.ChannelEmail, State: countersign.StateRefused, To: "bsmith@acme.example", Server: "mail.acme.example", Answer: foreign, Reason: reason}}
		view.Attempt.Challenge.Method = countersign.MethodEmail
		got := s.delivery(base{}, view, "/sign-in/token")
		if got.State != "refused" || !strings.Contains(got.Text, "b•••@acme.example") || strings.Contains(got.Text, "450") || strings.Contains(got.Text, "mail.acme.example:") {
			t.Errorf("%s: %+v", reason, got)
		}
	}
}
