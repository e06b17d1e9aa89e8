package web

import (
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
		want  string
	}{
		{"queued", countersign.Waiting, 0, time.Second, "waiting"},
		{"handed over for the first time", countersign.Sending, 1, time.Second, "waiting"},
		{"tried in vain", countersign.Waiting, 1, time.Second, "delayed"},
		{"handed over again", countersign.Sending, 2, time.Second, "delayed"},
		{"queued for long", countersign.Waiting, 0, lookAgain, "delayed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			view := signin.View{Message: countersign.Message{ID: "m", Channel: countersign.BySMS, State: tt.state, Tries: tt.tries, Created: now}}
			if got := s.delivery(base{Now: now.Add(tt.after)}, view, "/sign-in/token").State; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
