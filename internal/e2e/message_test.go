package e2e

import (
	"context"
	"net"
	"testing"

	"countersign/internal/mtatest"
	"countersign/internal/outbox"
)

// The page of a test mail shows each step of its delivery: with a server that accepts it and a
// domain that lacks records, and with a server that has another host's certificate.
func TestTestMailPage(t *testing.T) {
	t.Parallel()
	s := setStage(t)
	m := mtatest.Start(t)
	s.Administrator()
	s.enroll("ADMIN", "admin@demo.example")
	s.Outbox.Lookup = func(_ context.Context, name string) ([]string, error) {
		if name == "demo.example." {
			return []string{"v=spf1 ip4:192.0.2.25 -all"}, nil
		}
		return nil, &net.DNSError{Name: name, IsNotFound: true}
	}
	for name, c := range map[string]struct{ url, says string }{
		"message-test":           {m.URL(), "Add this record"},
		"message-test-not-right": {m.At(mtatest.Foreign), "Its certificate is not right"},
	} {
		route, err := outbox.ParseSMTP(c.url)
		if err != nil {
			t.Fatal(err)
		}
		s.w.Go(home + "/admin/messages/test")
		s.w.Click("main button[type=submit]")
		s.w.Wait("The test is on its way.")
		s.Outbox.Mail = route
		if _, err := s.Outbox.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.w.Wait(c.says) // it reloads by itself
		s.look(name, c.says)
	}
}
