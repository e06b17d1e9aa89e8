package outbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"countersign"
)

// Send sends one mail. It gives up when the mail's token expires: a server that has not
// received the whole mail by then discards it.
func (s *SMTP) Send(ctx context.Context, l Outgoing) (Receipt, error) {
	var deadline time.Time
	if l.Life > 0 {
		deadline = time.Now().Add(l.Life)
	}
	m, err := compose(l)
	if err != nil {
		return Receipt{}, &Refusal{Server: "the outbox", Answer: "the mail can't be written: " + err.Error(), Permanent: true, Err: err}
	}
	from, err := m.GetSender(false)
	to, rcptErr := m.GetRecipients()
	if err := errors.Join(err, rcptErr); err != nil {
		return Receipt{}, &Refusal{Server: outboxName, Answer: "the mail can't be written: " + err.Error(), Permanent: true, Err: err}
	}
	session, err := s.converse(ctx, deadline)
	if err != nil {
		return Receipt{}, s.refusal(err, l)
	}
	said, err := session.send(from, to, m, func() error {
		if l.Begin == nil {
			return nil
		}
		return l.Begin(ctx, s.host) // from here on the server may have the mail
	})
	var f *fault
	if err == nil || errors.As(err, &f) && f.reply != nil {
		session.quit()
	} else {
		session.close() // no QUIT in the middle of a mail
	}
	if err != nil {
		return Receipt{}, s.refusal(err, l)
	}
	return Receipt{Server: s.host, Answer: Redact(said.String())}, nil
}

func compose(l Outgoing) (*mail.Msg, error) {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := m.From(l.From); err != nil { // also the envelope sender, as SPF alignment needs
		return nil, err
	}
	if err := m.To(l.To); err != nil {
		return nil, err
	}
	m.Subject(literal(l.Subject))
	m.SetDate()
	m.SetMessageIDWithValue(messageID(l))
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	m.SetBodyString(mail.TypeTextPlain, l.Text)
	m.AddAlternativeString(mail.TypeTextHTML, l.HTML)
	return m, sign(m, l)
}

// literal keeps text like an encoded word (RFC 2047), for example in a person's name, from
// being decoded: it could put words into a subject that no page showed before. A zero-width
// space makes the library encode the whole as it is.
func literal(subject string) string { return strings.ReplaceAll(subject, "=?", "=\u200b?") }

// messageID returns the same ID for each try, so that mail programs show duplicates once.
func messageID(l Outgoing) string { return string(l.ID) + "@" + Domain(l.From) }

// Domain returns the part after the last @ of a sender, whose display name may contain one
// too.
func Domain(from string) string {
	at := strings.LastIndexByte(from, '@')
	if at < 0 {
		return "countersign.invalid"
	}
	return strings.ToLower(strings.Trim(from[at+1:], "> "))
}

// loginWanted is the code of a server that accepts mail only after a login (RFC 4954).
const loginWanted = 530

// refusal classifies an error. Only the codes 500 to 599 for this mail and its recipient are
// permanent: a timeout may follow a mail that was accepted, and the operator can fix a
// rejected login, sender, name or certificate.
func (s *SMTP) refusal(err error, l Outgoing) error {
	var f *fault
	if !errors.As(err, &f) {
		return err // our own error, for example from the database
	}
	r := &Refusal{Server: s.host, Answer: s.explain(f), Reason: f.reason(), Err: err}
	if f.reply != nil {
		r.Permanent = f.reply.code >= 500 && f.phase >= phaseRecipient && r.Reason != countersign.ReasonSettings
	}
	r.MaybeTaken = f.reply == nil && f.phase == phaseEnd || l.Route != "" && !r.Permanent
	if r.MaybeTaken {
		r.Route = s.host // also if an earlier try may have arrived
	}
	return r
}

// reason classifies what went wrong.
func (f *fault) reason() countersign.Reason {
	switch {
	case f.reply == nil && f.phase == phaseEnd:
		return countersign.ReasonSilent
	case f.reply == nil && (f.phase == phaseEncryption || f.phase == phaseLogin) && !timedOut(f.err):
		return countersign.ReasonSettings
	case f.reply == nil:
		return countersign.ReasonUnreachable
	}
	reason := reasonOf(f.reply.String())
	if f.reply.code >= 500 && f.phase < phaseRecipient {
		return countersign.ReasonSettings // not about the recipient
	}
	if reason == countersign.ReasonRefused && f.phase == phaseRecipient && f.reply.enhanced == "" && f.reply.code == 550 {
		return countersign.ReasonNoAddress // what 550 means there (RFC 5321 §4.2.3)
	}
	return reason
}

// timedOut reports whether a timeout, a closed connection or a canceled context caused err.
func timedOut(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout() || errors.Is(err, net.ErrClosed) || errors.Is(err, context.Canceled)
}

// explain describes in one line what the server answered or why it did not. It contains
// nothing that a server may have repeated (OT-10).
func (s *SMTP) explain(err error) string {
	var f *fault
	if !errors.As(err, &f) {
		return Redact(err.Error())
	}
	if f.reply != nil {
		return s.describe(f)
	}
	var certificate *tls.CertificateVerificationError
	var dns *net.DNSError
	var dial *net.OpError
	switch {
	case f.phase == phaseEnd:
		return "there was no answer after the mail; it may have arrived"
	case errors.Is(f.err, errReply), errors.Is(f.err, errUnencrypted), errors.Is(f.err, errNoLogin), errors.Is(f.err, errOtherLogin):
		return f.err.Error()
	case errors.As(f.err, &certificate):
		return "its certificate is not right: " + certificateFault(certificate.Err)
	case errors.As(f.err, &dns):
		return "its name can't be found"
	case timedOut(f.err):
		return "there was no answer in time"
	case errors.As(f.err, &dial) && dial.Op == "dial":
		return "it can't be reached: " + systemError(dial.Err)
	case f.phase == phaseEncryption:
		return "the encryption failed"
	case f.phase == phaseLogin:
		return Redact(f.err.Error())
	default:
		return "it closed the connection"
	}
}

// systemError returns the error of the operating system, without the name of the system call.
func systemError(err error) string {
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return oneLine(err.Error())
}

// certificateFault says in our own words why a certificate is invalid.
func certificateFault(err error) string {
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &host):
		return "it is of another host"
	case errors.As(err, &authority):
		return "nobody known here signed it"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "it is expired, or not valid yet"
	default:
		return "it is not valid"
	}
}

// describe returns a server's refusal, redacted.
func (s *SMTP) describe(f *fault) string {
	words := withReason(Redact(f.reply.String()), f.reason())
	switch {
	case f.reply.code == loginWanted:
		return "it wants a login: " + words
	case f.phase == phaseLogin:
		if s.bearer != nil {
			s.bearer.drop()
		}
		return "it did not take our login: " + words
	}
	return words
}
