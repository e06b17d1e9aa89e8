package smpp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Settings say how to reach a gateway and how to log in.
type Settings struct {
	Address  string // host and port
	TLS      *tls.Config
	User     string
	Password string
	Timeout  time.Duration // for an answer; also how long a connection may be silent before it is checked
	Received func(Receipt) // called for each receipt; must not block for long
}

// ErrNoAnswer means that a message was sent and got no answer: it may have been accepted.
var ErrNoAnswer = errors.New("smpp: there was no answer; the message may have been taken")

// A link is one connection after a successful login.
type link struct {
	Settings
	conn net.Conn
	gone chan struct{} // closed when the connection ends

	mu      sync.Mutex
	next    uint32
	waiting map[uint32]chan pdu
	retired bool // no more requests: it ends when the pending ones are answered
	over    bool
}

// dial connects and logs in.
func dial(ctx context.Context, s Settings) (*link, error) {
	dialer := &net.Dialer{Timeout: s.Timeout}
	conn, err := dialer.DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, err
	}
	if s.TLS != nil {
		secure := tls.Client(conn, s.TLS)
		ctx, cancel := context.WithTimeout(ctx, s.Timeout)
		defer cancel()
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		conn = secure
	}
	l := &link{Settings: s, conn: conn, gone: make(chan struct{}), waiting: map[uint32]chan pdu{}}
	go l.listen()
	var w writer
	w.text(s.User)
	w.text(s.Password)
	w.text("")
	w.octet(0x34, 0, 0)
	w.text("")
	answer, err := l.ask(ctx, bindTransceiver, w.bytes)
	switch {
	case err != nil:
		l.close()
		return nil, fmt.Errorf("it did not answer the login: %v", err) // not ErrNoAnswer: no message was sent
	case answer.status != 0:
		l.close()
		return nil, fmt.Errorf("it did not take our login: %w", answer.status)
	}
	return l, nil
}

// ask sends a request and waits for its response.
func (l *link) ask(ctx context.Context, command uint32, body []byte) (pdu, error) {
	answer := make(chan pdu, 1)
	sequence, err := l.expect(answer)
	if err != nil {
		return pdu{}, err
	}
	defer l.forget(sequence)
	if err := l.write(pdu{command: command, sequence: sequence, body: body}); err != nil {
		return pdu{}, ErrNoAnswer // part of it may have been sent
	}
	timer := time.NewTimer(l.Timeout)
	defer timer.Stop()
	select {
	case p := <-answer:
		return p, nil
	case <-l.gone:
		select {
		case p := <-answer: // it came with the last bytes
			return p, nil
		default:
			return pdu{}, ErrNoAnswer
		}
	case <-timer.C:
		return pdu{}, ErrNoAnswer
	case <-ctx.Done():
		return pdu{}, ErrNoAnswer
	}
}

var errOver = errors.New("smpp: connection closed")

func (l *link) expect(answer chan pdu) (uint32, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over || l.retired {
		return 0, errOver
	}
	l.next = l.next%0x7fffffff + 1
	l.waiting[l.next] = answer
	return l.next, nil
}

func (l *link) forget(sequence uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, sequence)
	l.endRetired()
}

// retire ends a connection that left a request unanswered, after the other requests are
// answered.
func (l *link) retire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retired = true
	l.endRetired()
}

func (l *link) endRetired() {
	if l.retired && len(l.waiting) == 0 {
		l.end()
	}
}

func (l *link) write(p pdu) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.conn.SetWriteDeadline(time.Now().Add(l.Timeout)); err != nil {
		return err
	}
	_, err := l.conn.Write(p.bytes())
	return err
}

// listen reads until the connection ends.
func (l *link) listen() {
	defer l.close()
	for {
		// Silent for twice the timeout, although it was checked after the first: it is dead.
		if err := l.conn.SetReadDeadline(time.Now().Add(2 * l.Timeout)); err != nil {
			return
		}
		p, err := readPDU(l.conn)
		if err != nil || !l.take(p) {
			return
		}
	}
}

// take handles one PDU; false ends the connection.
func (l *link) take(p pdu) bool {
	answer := func(command uint32, body []byte) bool {
		return l.write(pdu{command: command, sequence: p.sequence, body: body}) == nil
	}
	switch {
	case p.command&isResponse != 0:
		l.mu.Lock()
		if to := l.waiting[p.sequence]; to != nil {
			delete(l.waiting, p.sequence)
			to <- p
		}
		l.mu.Unlock()
		return true
	case p.command == enquireLink:
		return answer(enquireLinkResp, nil)
	case p.command == deliverSM:
		if receipt, ok := receiptOf(p.body); ok && l.Received != nil {
			l.Received(receipt)
		}
		return answer(deliverSMResp, []byte{0})
	case p.command == unbind:
		answer(unbindResp, nil)
		return false
	default:
		return l.write(pdu{command: genericNack, status: 0x03, sequence: p.sequence}) == nil
	}
}

// live reports whether the connection can still be used.
func (l *link) live() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.over && !l.retired
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
}

func (l *link) end() {
	if !l.over {
		l.over = true
		_ = l.conn.Close()
		close(l.gone)
	}
}
