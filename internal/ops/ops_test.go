package ops

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAnswers(t *testing.T) {
	up, down := Server{Ping: func(context.Context) error { return nil }}, Server{Ping: func(context.Context) error { return errors.New("gone") }}
	tests := []struct {
		server Server
		path   string
		status int
		says   string
	}{
		{up, "/healthz", 200, "ok"},
		{down, "/healthz", 200, "ok"},
		{up, "/readyz", 200, "ready"},
		{down, "/readyz", 503, "does not answer"},
		{up, "/metrics", 200, "countersign_database_up 1"},
		{down, "/metrics", 200, "countersign_database_up 0"},
		{up, "/debug/pprof/", 200, "goroutine"},
		{up, "/sign-in", 404, ""},
	}
	for _, tt := range tests {
		w := httptest.NewRecorder()
		tt.server.Handler().ServeHTTP(w, httptest.NewRequest("GET", tt.path, nil))
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s: %d %.80s, want %d %q", tt.path, w.Code, w.Body.String(), tt.status, tt.says)
		}
	}
}
