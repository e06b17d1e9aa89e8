package smpp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// A Client keeps one connection to a gateway and makes a new one when it ends.
type Client struct {
	Settings

	dialing singleflight.Group // concurrent callers share the connection being made, and its failure

	mu        sync.Mutex
	link      *link
	down      error // why Run's last try to connect failed; nil: it did not, or Run is not called
	reference byte
}

// A Message is one text to one number.
type Message struct {
	From string // a number with +, a short code, or a name
	To   string // E.164
	Text string
	Life time.Duration // how long it is worth delivering; 0: the gateway's default
}

// How long Run waits before it connects again: longer after each failure, and longest if the
// gateway rejected the login.
const (
	minWait      = time.Second
	maxWait      = 10 * time.Second
	rejectedWait = time.Minute
)

// Run keeps the connection alive until ctx ends, so that receipts arrive and messages need not
// wait for a login. While there is no connection, Submit fails at once, so that another
// gateway can be used. Without Run, Submit connects when it needs to.
func (c *Client) Run(ctx context.Context) error {
	wait := minWait
	for {
		l, err := c.connect(ctx)
		c.setDown(err)
		var refused Status
		switch {
		case err == nil:
			wait = minWait
			l.keepAlive(ctx)
		case errors.As(err, &refused):
			wait = min(2*wait, rejectedWait)
		default:
			wait = min(2*wait, maxWait)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			c.setDown(nil)
			c.disconnect()
			return nil
		case <-timer.C:
		}
	}
}

func (c *Client) setDown(down error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

// keepAlive checks regularly whether the connection is alive, until it ends.
func (l *link) keepAlive(ctx context.Context) {
	ticker := time.NewTicker(l.Timeout)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.gone:
			return
		case <-ticker.C:
			if _, err := l.ask(ctx, enquireLink, nil); err != nil {
				l.close()
			}
		}
	}
}

// disconnect sends unbind and closes the connection.
func (c *Client) disconnect() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != nil && c.link.live() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, _ = c.link.ask(ctx, unbind, nil)
		c.link.close()
	}
}

// Close closes the connection.
func (c *Client) Close() { c.disconnect() }

// Check returns an error unless the gateway accepts our login.
func (c *Client) Check(ctx context.Context) error {
	_, err := c.connect(ctx)
	return err
}

// connect returns a live connection. It waits for one that is being made.
func (c *Client) connect(ctx context.Context) (*link, error) {
	if l, _ := c.current(); l != nil {
		return l, nil
	}
	made := c.dialing.DoChan("", func() (any, error) {
		if l, _ := c.current(); l != nil {
			return l, nil
		}
		whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Timeout) // other callers wait for it too
		defer cancel()
		l, err := dial(whole, c.Settings)
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.link = l
		return l, nil
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case m := <-made:
		if m.Err != nil {
			return nil, m.Err
		}
		return m.Val.(*link), nil
	}
}

// current returns the connection if it is alive; otherwise the known reason of its failure.
func (c *Client) current() (*link, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != nil && c.link.live() {
		return c.link, nil
	}
	return nil, c.down
}

// Submit sends one text and returns the gateway's ID of its first part. A Status, and every
// error but ErrNoAnswer, means that it was not accepted.
func (c *Client) Submit(ctx context.Context, m Message) (id string, err error) {
	l, down := c.current()
	if l == nil && down != nil {
		return "", down
	}
	l, err = c.connect(ctx)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	c.reference++
	reference := c.reference
	c.mu.Unlock()
	parts, coding := split(m.Text, reference)
	for i, part := range parts {
		answer, err := l.ask(ctx, submitSM, m.body(part, coding, len(parts) > 1, i == 0))
		if Unsure(err) {
			l.retire()
		}
		if err == nil && answer.status != 0 {
			err = answer.status
		}
		if err != nil && i > 0 {
			return id, ErrNoAnswer // the parts before it are already sent
		}
		if err != nil {
			return "", err
		}
		if i == 0 {
			id = (&reader{bytes: answer.body}).text()
		}
	}
	return id, nil
}

// body returns the body of a submit_sm.
func (m Message) body(part []byte, coding int, several, receipt bool) []byte {
	var w writer
	ton, npi, from := origin(m.From)
	w.text("")
	w.octet(ton, npi)
	w.text(from)
	w.octet(1, 1)
	w.text(strings.TrimPrefix(m.To, "+"))
	class := 0
	if several {
		class = 0x40 // the text begins with a header that numbers the parts
	}
	w.octet(class, 0, 1)
	w.text("")
	w.text(validity(m.Life))
	w.octet(map[bool]int{true: 1, false: 0}[receipt], 0, coding, 0, len(part))
	return append(w.bytes, part...)
}

// origin returns the kind of a sender (international number, short code or name) and its
// address.
func origin(from string) (ton, npi int, address string) {
	digits := strings.TrimPrefix(from, "+")
	if strings.Trim(digits, "0123456789") != "" {
		return 5, 0, from
	}
	if digits == from {
		return 3, 0, from
	}
	return 1, 1, digits
}

// validity returns a duration in the format of the protocol; "" for none.
func validity(life time.Duration) string {
	if life <= 0 {
		return ""
	}
	s := int(life / time.Second)
	return fmt.Sprintf("0000%02d%02d%02d%02d000R", min(s/86400, 99), s/3600%24, s/60%60, s%60)
}

// Unsure reports whether the message may have been accepted despite err.
func Unsure(err error) bool { return errors.Is(err, ErrNoAnswer) }
