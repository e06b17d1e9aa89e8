package browsertest

import (
	"errors"
	"io"
	"net"
	"strconv"
	"time"
)

// A proxy is a SOCKS5 server for one window's connections. It gives the window its own source
// address and resolves host names as the test wants.
type proxy struct {
	listener net.Listener
	dialer   net.Dialer
	hosts    map[string]string // "login.acme.localhost:80" to "127.0.0.1:41234"
}

func startProxy(from string, hosts map[string]string) (*proxy, error) {
	var source net.Addr
	if from != "" {
		ip := net.ParseIP(from)
		if ip == nil || !ip.IsLoopback() {
			return nil, errors.New("the source address " + from + " is not on loopback")
		}
		source = &net.TCPAddr{IP: ip}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, dialer: net.Dialer{LocalAddr: source, Timeout: 5 * time.Second}, hosts: hosts}
	go p.serve()
	return p, nil
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// serve ends when the listener is closed.
func (p *proxy) serve() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.connect(conn)
	}
}

// Replies of RFC 1928: succeeded, and connection refused.
var (
	connected = []byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	refused   = []byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0}
)

// connect serves one connection of the browser. Errors end it; the browser's error page shows
// what could not be reached.
func (p *proxy) connect(conn net.Conn) {
	defer conn.Close()
	target, err := askedFor(conn)
	if err != nil {
		return
	}
	if mapped, ok := p.hosts[target]; ok {
		target = mapped
	}
	up, err := p.dialer.Dial("tcp4", target)
	if err != nil {
		_, _ = conn.Write(refused)
		return
	}
	defer up.Close()
	if _, err := conn.Write(connected); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(up, conn)
		_ = up.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(conn, up)
}

// askedFor reads the greeting and the request of RFC 1928, without authentication, and returns
// the host and port to connect to.
func askedFor(conn net.Conn) (string, error) {
	b := make([]byte, 256)
	if _, err := io.ReadFull(conn, b[:2]); err != nil || b[0] != 5 {
		return "", errors.New("not SOCKS5")
	}
	if _, err := io.ReadFull(conn, b[:b[1]]); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte{5, 0}); err != nil {
		return "", err
	}
	if _, err := io.ReadFull(conn, b[:4]); err != nil || b[1] != 1 {
		return "", errors.New("not CONNECT")
	}
	host, err := readHost(conn, b[3])
	if err != nil {
		return "", err
	}
	_, err = io.ReadFull(conn, b[:2])
	return net.JoinHostPort(host, strconv.Itoa(int(b[0])<<8|int(b[1]))), err
}

func readHost(conn net.Conn, kind byte) (string, error) {
	b := make([]byte, 256)
	switch kind {
	case 1: // IPv4
		_, err := io.ReadFull(conn, b[:4])
		return net.IP(b[:4]).String(), err
	case 3: // a name, its length first
		if _, err := io.ReadFull(conn, b[:1]); err != nil {
			return "", err
		}
		n := int(b[0])
		_, err := io.ReadFull(conn, b[:n])
		return string(b[:n]), err
	default:
		return "", errors.New("an address of another kind")
	}
}
