package outbox

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// Timeouts for each part of an SMTP session (RFC 5321 §4.5.3.2), which sets none for the
// connection itself.
const (
	connectTimeout = 30 * time.Second
	commandTimeout = 5 * time.Minute // also for the greeting
	dataTimeout    = 2 * time.Minute
	blockTimeout   = 3 * time.Minute
	endTimeout     = 10 * time.Minute
	quitTimeout    = 5 * time.Second
)

// A phase is how far a session got.
type phase int

const (
	phaseConnect phase = iota
	phaseGreeting
	phaseEncryption
	phaseLogin
	phaseSender
	phaseRecipient
	phaseData
	phaseEnd // the whole mail was sent
)

// A fault is what ended a session.
type fault struct {
	phase phase
	reply *reply // nil: there was none
	err   error
}

func (f *fault) Error() string {
	if f.reply != nil {
		return f.reply.String()
	}
	return f.err.Error()
}

func (f *fault) Unwrap() error { return f.err }

// A reply is a server's answer to a command.
type reply struct {
	code     int
	enhanced string // RFC 3463; empty: none
	text     string // of all its lines, without the codes
}

func (r *reply) String() string {
	return strings.TrimSpace(strings.TrimSpace(fmt.Sprintf("%d %s", r.code, r.enhanced)) + " " + r.text)
}

// A conversation is a session with a mail server. Each step has its own timeout.
type conversation struct {
	host     string
	conn     net.Conn
	read     *bufio.Reader
	stop     func() bool
	maxWait  time.Duration // longest for each step; 0: as RFC 5321
	deadline time.Time
	phase    phase

	extensions map[string]string
}

// converse connects, greets, encrypts and logs in. over is the deadline of the whole session;
// zero: none. The session also ends when ctx does. The caller closes the session.
func (s *SMTP) converse(ctx context.Context, deadline time.Time) (*conversation, error) {
	c := &conversation{host: s.host, maxWait: s.Timeout, deadline: deadline}
	token := ""
	if s.bearer != nil {
		var err error
		if token, err = s.bearer.get(ctx); err != nil {
			return nil, &fault{phase: phaseLogin, err: err}
		}
	}
	dialer := &net.Dialer{Timeout: c.timeout(connectTimeout)}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(s.host, strconv.Itoa(s.port)))
	if err != nil {
		return nil, &fault{phase: phaseConnect, err: err}
	}
	c.conn, c.read = conn, bufio.NewReader(conn)
	c.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	for _, step := range []func() error{
		func() error { return c.greet(s) },
		func() error { return c.encrypt(s) },
		func() error { return c.login(s, token) },
	} {
		if err := step(); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

// close closes the connection without QUIT.
func (c *conversation) close() {
	c.stop()
	_ = c.conn.Close()
}

// quit sends QUIT and closes the connection in the background. The outcome does not matter.
func (c *conversation) quit() {
	go func() {
		defer c.close()
		c.setDeadline(quitTimeout)
		_, _ = io.WriteString(c.conn, "QUIT\r\n")
		_, _ = c.readReply()
	}()
}

// timeout returns how long a step may take.
func (c *conversation) timeout(limit time.Duration) time.Duration {
	if c.maxWait > 0 {
		limit = min(limit, c.maxWait)
	}
	if !c.deadline.IsZero() {
		limit = min(limit, time.Until(c.deadline))
	}
	return max(limit, time.Millisecond)
}

func (c *conversation) setDeadline(limit time.Duration) {
	_ = c.conn.SetDeadline(time.Now().Add(c.timeout(limit))) // a closed connection fails at the next read
}

// failed returns a fault of the current phase.
func (c *conversation) failed(err error) error { return &fault{phase: c.phase, err: err} }

// enhancedCode begins each line of a reply if the server has such codes.
var enhancedCode = regexp.MustCompile(`^([245]\.[0-7]\.[0-9]{1,3})(?:\s+|$)`)

// errReply is an answer that violates the protocol.
var errReply = errors.New("its answer can't be read")

// maxReplyLines is how many lines a reply may have.
const maxReplyLines = 200

// readReply reads one reply, of one or several lines, with text or without.
func (c *conversation) readReply() (*reply, error) {
	r := &reply{}
	var text []string
	for range maxReplyLines {
		line, prefix, err := c.read.ReadLine()
		line = bytes.Clone(line)                  // the next read overwrites it
		for more := prefix; more && err == nil; { // the line is longer than the buffer
			_, more, err = c.read.ReadLine()
		}
		if err != nil {
			return nil, c.failed(err)
		}
		if len(line) < 3 {
			return nil, c.failed(errReply)
		}
		code, err := strconv.Atoi(string(line[:3]))
		if err != nil || code < 200 || code > 599 || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
			return nil, c.failed(errReply)
		}
		r.code = code
		said := strings.TrimSpace(string(line[min(4, len(line)):]))
		if found := enhancedCode.FindStringSubmatch(said); found != nil {
			r.enhanced, said = found[1], said[len(found[0]):]
		}
		text = append(text, said)
		if len(line) == 3 || line[3] == ' ' {
			r.text = strings.TrimSpace(strings.Join(text, "\n"))
			return r, nil
		}
	}
	return nil, c.failed(errReply)
}

// command sends a line and expects a reply code of class 2 or 3, as class says.
func (c *conversation) command(class int, format string, args ...any) (*reply, error) {
	line := fmt.Sprintf(format, args...)
	if strings.ContainsAny(line, "\r\n") {
		return nil, c.failed(errors.New("line break in a command"))
	}
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		return nil, c.failed(err)
	}
	return c.expect(class)
}

func (c *conversation) expect(class int) (*reply, error) {
	r, err := c.readReply()
	if err == nil && r.code/100 != class {
		err = &fault{phase: c.phase, reply: r, err: errors.New("the server said no")}
	}
	return r, err
}

// greet reads the greeting, after the TLS handshake if TLS is implicit, and sends EHLO.
func (c *conversation) greet(s *SMTP) error {
	c.phase = phaseGreeting
	if s.security == "implicit" {
		c.phase = phaseEncryption
		if err := c.handshake(s.tls); err != nil {
			return err
		}
		c.phase = phaseGreeting
	}
	c.setDeadline(commandTimeout)
	if _, err := c.expect(2); err != nil {
		return err
	}
	return c.hello(s)
}

// hello asks for the server's extensions; an old server has none.
func (c *conversation) hello(s *SMTP) error {
	c.setDeadline(commandTimeout)
	c.extensions = map[string]string{}
	r, err := c.command(2, "EHLO %s", s.helo())
	var f *fault
	if errors.As(err, &f) && f.reply != nil && f.reply.code/100 == 5 {
		if _, old := c.command(2, "HELO %s", s.helo()); old == nil {
			return nil
		}
	}
	if err != nil {
		return err
	}
	for i, line := range strings.Split(r.text, "\n") {
		if name, options, _ := strings.Cut(strings.TrimSpace(line), " "); i > 0 {
			c.extensions[strings.ToUpper(name)] = options
		}
	}
	return nil
}

func (c *conversation) handshake(config *tls.Config) error {
	c.setDeadline(commandTimeout)
	secure := tls.Client(c.conn, config)
	if err := secure.Handshake(); err != nil {
		return c.failed(err)
	}
	c.conn, c.read = secure, bufio.NewReader(secure)
	return nil
}

// errUnencrypted is returned for a server without STARTTLS.
var errUnencrypted = errors.New("it offers no encryption (STARTTLS), without which nothing is sent; set tls=implicit or tls=none in --smtp-url, or another port")

// encrypt starts TLS if the URL says starttls.
func (c *conversation) encrypt(s *SMTP) error {
	if s.security != "starttls" {
		return nil
	}
	c.phase = phaseEncryption
	if _, ok := c.extensions["STARTTLS"]; !ok {
		return c.failed(errUnencrypted)
	}
	c.setDeadline(commandTimeout)
	if _, err := c.command(2, "STARTTLS"); err != nil {
		return err
	}
	if c.read.Buffered() > 0 { // injected before the encryption
		return c.failed(errReply)
	}
	if err := c.handshake(s.tls); err != nil {
		return err
	}
	return c.hello(s)
}

// state returns the TLS state; nil if the session is not encrypted.
func (c *conversation) state() *tls.ConnectionState {
	secure, ok := c.conn.(*tls.Conn)
	if !ok {
		return nil
	}
	state := secure.ConnectionState()
	return &state
}

// Why there is no login.
var (
	errNoLogin    = errors.New("it offers no login")
	errOtherLogin = errors.New("it offers no login of the kind that is set")
)

// login logs in as the URL says.
func (c *conversation) login(s *SMTP, token string) error {
	if s.login == "" {
		return nil
	}
	c.phase = phaseLogin
	offered, ok := c.extensions["AUTH"]
	if !ok {
		return c.failed(errNoLogin)
	}
	how := s.mechanism(strings.Fields(strings.ToUpper(offered)), token, c.state())
	if how == nil {
		return c.failed(errOtherLogin)
	}
	c.setDeadline(commandTimeout)
	return c.authenticate(how, strings.Fields(offered))
}

// authenticate runs the exchange of a mechanism (RFC 4954).
func (c *conversation) authenticate(how smtp.Auth, offered []string) error {
	name, say, err := how.Start(&smtp.ServerInfo{Name: c.host, TLS: c.state() != nil, Auth: offered})
	if err != nil {
		return c.failed(errOtherLogin)
	}
	line := strings.TrimSpace("AUTH " + name + " " + base64.StdEncoding.EncodeToString(say))
	for {
		if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
			return c.failed(err)
		}
		r, err := c.readReply()
		switch {
		case err != nil:
			return err
		case r.code != 235 && r.code != 334:
			return &fault{phase: phaseLogin, reply: r, err: errors.New("the server said no")}
		}
		heard := []byte(r.text)
		if r.code == 334 {
			if heard, err = base64.StdEncoding.DecodeString(r.text); err != nil {
				return c.failed(errReply)
			}
		}
		if say, err = how.Next(heard, r.code == 334); err != nil {
			return c.failed(errOtherLogin)
		}
		if r.code == 235 {
			return nil
		}
		line = base64.StdEncoding.EncodeToString(say)
	}
}

// send sends one mail. It calls begin before the final line; if begin fails, the server
// discards the mail.
func (c *conversation) send(from string, to []string, body io.WriterTo, begin func() error) (*reply, error) {
	c.phase = phaseSender
	c.setDeadline(commandTimeout)
	if _, err := c.command(2, "MAIL FROM:%s", from); err != nil {
		return nil, err
	}
	c.phase = phaseRecipient
	for _, address := range to {
		c.setDeadline(commandTimeout)
		if _, err := c.command(2, "RCPT TO:%s", address); err != nil {
			return nil, err
		}
	}
	c.phase = phaseData
	c.setDeadline(dataTimeout)
	if _, err := c.command(3, "DATA"); err != nil {
		return nil, err
	}
	c.setDeadline(blockTimeout)
	buffered := bufio.NewWriterSize(c.conn, 32<<10)
	dots := textproto.NewWriter(buffered).DotWriter()
	if _, err := body.WriteTo(dots); err != nil {
		return nil, c.failed(err)
	}
	if err := begin(); err != nil {
		return nil, err // the mail has no end, so the server drops it
	}
	c.phase = phaseEnd
	c.setDeadline(endTimeout)
	if err := errors.Join(dots.Close(), buffered.Flush()); err != nil {
		return nil, c.failed(err)
	}
	return c.expect(2)
}

// mechanism returns how to log in, of what the server offers; nil if nothing suitable is
// offered.
func (s *SMTP) mechanism(offered []string, token string, state *tls.ConnectionState) smtp.Auth {
	known := map[string]func() smtp.Auth{
		"PLAIN":         func() smtp.Auth { return smtp.PlainAuth("", s.user, s.password, s.host, false) },
		"LOGIN":         func() smtp.Auth { return smtp.LoginAuth(s.user, s.password, s.host, false) },
		"XOAUTH2":       func() smtp.Auth { return smtp.XOAuth2Auth(s.user, token) },
		"CRAM-MD5":      func() smtp.Auth { return smtp.CRAMMD5Auth(s.user, s.password) },
		"NTLM":          func() smtp.Auth { return smtp.NTLMAuth(s.user, s.password, "") },
		"SCRAM-SHA-1":   func() smtp.Auth { return smtp.ScramSHA1Auth(s.user, s.password) },
		"SCRAM-SHA-256": func() smtp.Auth { return smtp.ScramSHA256Auth(s.user, s.password) },
	}
	wanted := []string{strings.ToUpper(s.login)}
	if s.login == anyLogin {
		wanted = []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "NTLM", "CRAM-MD5"}
		if state != nil {
			known["SCRAM-SHA-256-PLUS"] = func() smtp.Auth { return smtp.ScramSHA256PlusAuth(s.user, s.password, state) }
			known["SCRAM-SHA-1-PLUS"] = func() smtp.Auth { return smtp.ScramSHA1PlusAuth(s.user, s.password, state) }
			wanted = append(wanted, "PLAIN", "LOGIN")
		}
	}
	for _, name := range wanted {
		if make := known[name]; make != nil && slices.Contains(offered, name) {
			return make()
		}
	}
	return nil
}
