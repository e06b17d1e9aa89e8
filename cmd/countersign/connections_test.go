package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"testing"
)

// WB-06: a server holds a limited number of connections. A new one is answered, and the one idle
// longest is closed for it, however many one client holds. A connection with a request in progress
// stays.
func TestConnectionsAreBounded(t *testing.T) {
	at, working := make(chan struct{}), make(chan struct{})
	s := server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(at)
			<-working
		}
		_, _ = w.Write([]byte("ok\n"))
	}))
	held := &connections{most: 3}
	s.ConnState = held.changed
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	slow := dial(t, l.Addr().String())
	if _, err := io.WriteString(slow, "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-at
	var resting []net.Conn
	for range 10 {
		c := dial(t, l.Addr().String())
		if status := ask(t, c); status != http.StatusOK {
			t.Errorf("a new connection is answered %d", status)
		}
		for held.resting() != min(len(resting)+1, 2) {
			runtime.Gosched() // until the server has recorded that it is idle
		}
		resting = append(resting, c)
	}
	for i, c := range resting[:8] {
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("connection %d is still open: %v", i, err)
		}
	}
	for _, c := range resting[8:] {
		if status := ask(t, c); status != http.StatusOK {
			t.Errorf("one of the newest is answered %d", status)
		}
	}
	close(working)
	if answer, err := http.ReadResponse(bufio.NewReader(slow), nil); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("the one at work: %v", err)
	}
}

func (c *connections) resting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rest.Len()
}

// ask sends a request and returns the status of its answer.
func ask(t *testing.T, c net.Conn) int {
	t.Helper()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// A peer is a connection with a given client address.
type peer struct {
	net.Conn
	address string
}

func (f *peer) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(f.address))
}

// WB-06: a network that holds all connections with requests that never end loses some to other
// networks, and only to them.
func TestANetworkThatHoldsAllMakesRoom(t *testing.T) {
	t.Parallel()
	c := &connections{most: 4}
	working := func(address string) (conn, over net.Conn) {
		conn = &peer{address: address}
		over = c.note(conn, http.StateNew)
		if over != conn {
			c.note(conn, http.StateActive)
		}
		return conn, over
	}
	var held []net.Conn
	for range 4 {
		conn, _ := working("203.0.113.66:1234")
		held = append(held, conn)
	}
	if conn, over := working("203.0.113.66:1235"); over != conn {
		t.Errorf("one more of the same network takes the place of %v", over)
	}
	for i, address := range []string{"192.0.2.10:1", "192.0.2.11:1"} {
		if _, over := working(address); over != held[i] {
			t.Errorf("%s takes the place of %v, want the oldest of the network that holds the most", address, over)
		}
	}
	if conn, over := working("203.0.113.66:1236"); over != conn {
		t.Errorf("the network comes back in the place of %v", over)
	}
	if n := len(c.all); n != 4 {
		t.Errorf("%d connections are held", n)
	}
}

// The memory limit stays above the live heap: below it the garbage collector would run all the
// time.
func TestTheMemoryLimitFollowsWhatIsLive(t *testing.T) {
	const hashes = 76 << 20
	for _, c := range []struct{ live, rest, want int64 }{
		{10 << 20, 5 << 20, hashes + baseMemory},
		{276 << 20, 100 << 20, hashes + 400<<20},
	} {
		if got := memoryLimit(hashes, c.live, c.rest); got != c.want {
			t.Errorf("%d live and %d besides: %d, want %d", c.live, c.rest, got, c.want)
		}
	}
	runtime.GC()
	if live, rest := inUse(); live <= 0 || rest <= 0 {
		t.Errorf("%d live and %d besides", live, rest)
	}
}
