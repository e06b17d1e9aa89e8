package smpp

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// A silent gateway accepts connections and never answers.
type silent struct {
	net.Listener
	mu   sync.Mutex
	came int
}

func newSilent(t *testing.T) *silent {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &silent{Listener: l}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.came++
			s.mu.Unlock()
			go func() { _, _ = io.Copy(io.Discard, conn); _ = conn.Close() }()
		}
	}()
	return s
}

func (s *silent) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.came
}

// A gateway that does not answer the login has no message, so another route may be used.
// Concurrent callers share the time that waiting costs.
func TestAGatewayThatIsSilentAtTheLogin(t *testing.T) {
	s := newSilent(t)
	cl := &Client{Settings: Settings{Address: s.Addr().String(), User: "cs", Password: "secret", Timeout: time.Second}}
	var all sync.WaitGroup
	ready := make(chan struct{})
	for range 20 {
		all.Go(func() {
			<-ready
			if _, err := cl.Submit(t.Context(), token); err == nil || Unsure(err) {
				t.Errorf("got %v", err)
			}
		})
	}
	close(ready)
	all.Wait()
	if n := s.connections(); n > 2 {
		t.Errorf("%d connections were waited for, one after the other", n)
	}
}

// While Run finds no gateway, messages fail at once. When the gateway is back, Run connects
// without a message.
func TestAGatewayThatIsKnownToBeAway(t *testing.T) {
	s := newSilent(t)
	cl := &Client{Settings: Settings{Address: s.Addr().String(), User: "cs", Password: "secret", Timeout: 300 * time.Millisecond}}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = cl.Run(ctx) })
	for _, down := cl.current(); down == nil; _, down = cl.current() {
		time.Sleep(10 * time.Millisecond)
	}
	before := s.connections()
	for range 50 {
		if _, err := cl.Submit(t.Context(), token); err == nil || Unsure(err) {
			t.Fatalf("got %v", err)
		}
	}
	if n := s.connections(); n > before+1 { // Run's own
		t.Errorf("50 messages made %d connections", n-before)
	}
	_ = s.Close()
	back := newCenterAt(t, s.Addr().String(), func(s *session, p pdu, _ sent) { s.take(p, "a1") })
	for l, _ := cl.current(); l == nil; l, _ = cl.current() {
		time.Sleep(10 * time.Millisecond)
	}
	if id, err := cl.Submit(t.Context(), token); err != nil || id != "a1" {
		t.Errorf("the gateway is back: %q %v", id, err)
	}
	stop()
	running.Wait()
	if back.binds != 1 {
		t.Errorf("bound %d times", back.binds)
	}
}
