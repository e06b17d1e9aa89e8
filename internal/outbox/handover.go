package outbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// Send hands over one mail. A token's mail is given up as the token dies: what
// the server has not got whole by then it never gets.
func (s *SMTP) Send(ctx context.Context, l Letter) (Receipt, error) {
	var over time.Time
	if l.Life > 0 {
		over = time.Now().Add(l.Life)
	}
	m, err := compose(l)
	if err != nil {
		return Receipt{}, &Refusal{Server: "the outbox", Answer: "the mail can't be written: " + err.Error(), Permanent: true, Err: err}
	}
	client, err := s.client(ctx, over)
	if err != nil {
		return Receipt{}, &Refusal{Server: s.host, Answer: oneLine(err.Error()), Err: err}
	}
	talk, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return Receipt{}, s.refusal(err, l.To)
	}
	defer func() { go func() { _ = client.CloseWithSMTPClient(talk) }() }() // its good-bye changes nothing
	if client, err = s.talking(over); err == nil {
		err = client.SendWithSMTPClient(talk, m)
	}
	if err == nil || m.IsDelivered() { // what goes wrong after the server took it does not matter
		return Receipt{Server: s.host, Answer: oneLine(m.ServerResponse())}, nil
	}
	return Receipt{}, s.refusal(err, l.To)
}

// client is for one conversation; its login may need a token first.
func (s *SMTP) client(ctx context.Context, over time.Time) (*mail.Client, error) {
	options := append(s.options(), mail.WithTimeout(s.waits(over)))
	if s.bearer != nil {
		token, err := s.bearer.get(ctx)
		if err != nil {
			return nil, err
		}
		options = append(options, mail.WithPassword(token))
	}
	return mail.NewClient(s.host, options...)
}

// talking is for the mail itself, with the time that is left.
func (s *SMTP) talking(over time.Time) (*mail.Client, error) {
	return mail.NewClient(s.host, append(s.options(), mail.WithTimeout(s.waits(over)))...)
}

// waits is how long the server may take; over is when all is over, zero if never.
func (s *SMTP) waits(over time.Time) time.Duration {
	if over.IsZero() {
		return s.Patience
	}
	return max(min(s.Patience, time.Until(over)), time.Millisecond)
}

func compose(l Letter) (*mail.Msg, error) {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := m.From(l.From); err != nil { // of the envelope as well: aligned for SPF
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

// literal keeps what looks like an encoded word (RFC 2047) from being read as one:
// whoever is called so would write in a subject what no page shows before. A space
// of no width stands between, so that the whole is encoded and read as it was written.
func literal(subject string) string { return strings.ReplaceAll(subject, "=?", "=\u200b?") }

// messageID is the same at each try, so that mail programs show one of two copies.
func messageID(l Letter) string { return string(l.ID) + "@" + Domain(l.From) }

// Domain is the part after @ of a sender; its name may hold one too.
func Domain(from string) string {
	at := strings.LastIndexByte(from, '@')
	if at < 0 {
		return "countersign.invalid"
	}
	return strings.ToLower(strings.Trim(from[at+1:], "> "))
}

// loginWanted is the code of a server that takes mail after a login only (RFC 4954).
const loginWanted = 530

// reply finds a server's own words in the error about it.
var reply = regexp.MustCompile(`\b[45][0-9][0-9][ "].*`)

// refusal reads what went wrong. Only the codes 500 to 599 for this mail are
// final: a time-out may follow a mail that was taken, and a login that is wrong
// or not there, or a certificate, is mended by the operator.
func (s *SMTP) refusal(err error, to string) error {
	r := &Refusal{Server: s.host, Answer: s.explain(err), Err: err}
	var sending *mail.SendError
	if errors.As(err, &sending) {
		r.Permanent = sending.ErrorCode() >= 500 && sending.ErrorCode() <= 599 && sending.ErrorCode() != loginWanted
		r.Unsure = sending.Reason == mail.ErrSMTPDataClose && sending.ErrorCode() == 0
	}
	if r.Unsure {
		r.Route = s.host
	}
	r.Answer = strings.ReplaceAll(r.Answer, to, "the address") // rows and logs hold it once
	return r
}

// explain says in a line what the server said, or what kept it from saying anything.
func (s *SMTP) explain(err error) string {
	var sending *mail.SendError
	var spoken *textproto.Error
	var certificate *tls.CertificateVerificationError
	var network net.Error
	var dns *net.DNSError
	var dial *net.OpError
	switch {
	case errors.As(err, &sending) && sending.ErrorCode() != 0:
		words, _, _ := strings.Cut(reply.FindString(sending.Error()), ", affected ")
		words = oneLine(strings.ReplaceAll(words, `"`, ""))
		if sending.ErrorCode() == loginWanted {
			return "it wants a login: " + words
		}
		return words
	case sending != nil && sending.Reason == mail.ErrSMTPDataClose:
		return "there was no answer after the mail; it may have arrived"
	case sending != nil:
		return "there was no answer in time"
	case errors.As(err, &spoken):
		return s.spoken(spoken)
	case errors.As(err, &certificate):
		return "its certificate is not right: " + oneLine(certificate.Err.Error())
	case strings.Contains(err.Error(), "STARTTLS"):
		return "it offers no encryption (STARTTLS), without which nothing is sent; set tls=implicit or tls=none in --smtp-url, or another port"
	case errors.As(err, &network) && network.Timeout():
		return "there was no answer in time"
	case errors.As(err, &dns):
		return "its name can't be found"
	case errors.As(err, &dial) && dial.Op == "dial":
		return "it can't be reached: " + system(dial.Err)
	default:
		return oneLine(err.Error())
	}
}

// system is what the operating system said, without the call that it said it of.
func system(err error) string {
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return oneLine(err.Error())
}

// spoken is a refusal of the conversation, before any mail: often our login.
func (s *SMTP) spoken(e *textproto.Error) string {
	said := fmt.Sprintf("%d %s", e.Code, strings.Trim(oneLine(e.Msg), `"`))
	if e.Code == 535 || e.Code == 534 {
		if s.bearer != nil {
			s.bearer.drop()
		}
		return "it did not take our login: " + said
	}
	return said
}
