package outbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/textproto"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// patience is how long a server has for the conversation, and again for each mail.
const patience = 15 * time.Second

// An SMTP hands letters to a mail server.
type SMTP struct {
	host    string
	options []mail.Option
}

// ParseSMTP reads smtp://user:pass@host:587?tls=starttls. tls is starttls
// (required, the default), implicit or none; ca names a file with the
// certificate of a private authority.
func ParseSMTP(raw string) (*SMTP, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("it is not a URL like smtp://user:password@mail.acme.example:587")
	}
	if u.Scheme != "smtp" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("it must look like smtp://user:password@mail.acme.example:587")
	}
	for key := range u.Query() {
		if key != "tls" && key != "ca" {
			return nil, fmt.Errorf("the option %q is not known; there are tls and ca", key)
		}
	}
	s := &SMTP{host: u.Hostname(), options: []mail.Option{mail.WithTimeout(patience), mail.WithoutSMTPUTF8(), mail.WithoutNoop()}}
	if err := s.secure(u); err != nil {
		return nil, err
	}
	if name := u.User.Username(); name != "" {
		password, _ := u.User.Password()
		s.options = append(s.options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(name), mail.WithPassword(password))
	}
	return s, nil
}

// secure sets port and encryption.
func (s *SMTP) secure(u *url.URL) error {
	port := 587
	config := &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12}
	switch u.Query().Get("tls") {
	case "", "starttls":
		s.options = append(s.options, mail.WithTLSPolicy(mail.TLSMandatory))
	case "implicit":
		port = 465
		s.options = append(s.options, mail.WithSSL())
	case "none":
		port = 25
		s.options = append(s.options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		return errors.New("tls must be starttls, implicit or none")
	}
	if p := u.Port(); p != "" {
		n, err := strconv.Atoi(p)
		if err != nil || n < 1 || n > 65535 {
			return errors.New("the port must be 1 to 65535")
		}
		port = n
	}
	if file := u.Query().Get("ca"); file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("ca: %s holds no certificate", file)
		}
	}
	s.options = append(s.options, mail.WithTLSConfig(config), mail.WithPort(port))
	return nil
}

// Send hands over one mail.
func (s *SMTP) Send(ctx context.Context, l Letter) (Receipt, error) {
	m, err := compose(l)
	if err != nil {
		return Receipt{}, &Refusal{Server: "the outbox", Answer: "the mail can't be written: " + err.Error(), Permanent: true, Err: err}
	}
	client, err := mail.NewClient(s.host, s.options...)
	if err != nil {
		return Receipt{}, fmt.Errorf("mail server %s: %w", s.host, err)
	}
	if err := client.DialAndSendWithContext(ctx, m); err != nil {
		return Receipt{}, s.refusal(err)
	}
	return Receipt{Server: s.host, Answer: oneLine(m.ServerResponse())}, nil
}

func compose(l Letter) (*mail.Msg, error) {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := m.From(l.From); err != nil {
		return nil, err
	}
	if err := m.To(l.To); err != nil {
		return nil, err
	}
	m.Subject(l.Subject)
	m.SetDate()
	m.SetMessageIDWithValue(string(l.ID) + "@" + domain(l.From))
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	m.SetBodyString(mail.TypeTextPlain, l.Text)
	m.AddAlternativeString(mail.TypeTextHTML, l.HTML)
	return m, nil
}

func domain(from string) string {
	_, d, ok := strings.Cut(from, "@")
	if !ok {
		return "countersign.invalid"
	}
	return strings.Trim(d, "> ")
}

// refusal reads what went wrong. Only the codes 500 to 599 for this mail are
// final: a time-out may follow a mail that was taken, and a wrong password or
// certificate of ours is mended by the operator.
func (s *SMTP) refusal(err error) error {
	r := &Refusal{Server: s.host, Answer: oneLine(err.Error()), Err: err}
	var sending *mail.SendError
	if errors.As(err, &sending) {
		r.Permanent = sending.ErrorCode() >= 500 && sending.ErrorCode() <= 599
		return r
	}
	var spoken *textproto.Error
	if errors.As(err, &spoken) {
		r.Answer = oneLine(spoken.Error())
	}
	return r
}
