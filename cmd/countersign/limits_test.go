package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// listening serves what serve serves, with shorter time limits, so that the test is fast.
func listening(t *testing.T) string {
	t.Helper()
	s := server(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }))
	for name, limit := range map[string]time.Duration{"headers": s.ReadHeaderTimeout, "reading": s.ReadTimeout, "writing": s.WriteTimeout, "idling": s.IdleTimeout} {
		if limit <= 0 || limit > 2*time.Minute {
			t.Errorf("%s may take %v", name, limit)
		}
	}
	s.ReadHeaderTimeout, s.ReadTimeout = 300*time.Millisecond, 600*time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

func dial(t *testing.T, at string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// WB-06: clients that send their headers or bodies slowly, or never end them, are disconnected,
// while others are answered.
func TestSlowClientsAreHungUpOn(t *testing.T) {
	at := listening(t)
	var all sync.WaitGroup
	for i := range 200 {
		c := dial(t, at)
		begin := "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
		if i%2 == 1 {
			begin = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\nx="
		}
		_, _ = io.WriteString(c, begin)
		all.Go(func() { _, _ = io.Copy(io.Discard, c) }) // ends when the server disconnects
	}
	answer, err := http.Get("http://" + at)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("other clients get %d", answer.StatusCode)
	}
	all.Wait()
}

// WB-06: a header of 1 MiB and malformed requests are refused before any handler sees them.
func TestOddRequestsAreRefused(t *testing.T) {
	at := listening(t)
	for name, c := range map[string]struct {
		request string
		want    []int
	}{
		"a header of 1 MiB":       {"GET / HTTP/1.1\r\nHost: localhost\r\nX-Big: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", []int{431}},
		"many headers":            {"GET / HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("X-A: b\r\n", 100_000) + "\r\n", []int{431}},
		"two hosts":               {"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", []int{400}},
		"no host":                 {"GET / HTTP/1.1\r\n\r\n", []int{400}},
		"two lengths":             {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", []int{400}},
		"a length and pieces":     {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: xchunked\r\n\r\nx", []int{400, 501}},
		"a header without a name": {"GET / HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n", []int{400}},
		"a line in a header":      {"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n", []int{400}},
		"no HTTP":                 {"\x16\x03\x01\x00\xa5\x01\r\n\r\n", []int{400}},
	} {
		conn := dial(t, at)
		go func() { _, _ = io.WriteString(conn, c.request) }()
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = answer.Body.Close()
		if !strings.Contains(fmt.Sprint(c.want), fmt.Sprint(answer.StatusCode)) {
			t.Errorf("%s: %d, want %v", name, answer.StatusCode, c.want)
		}
	}
}
