package outbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign"
)

// A Finding is the result of one check, with the fix if something is wrong.
type Finding = countersign.Finding

// A Level is how much a finding matters.
type Level = countersign.Level

// The levels.
const (
	Good  = countersign.LevelGood
	Warn  = countersign.LevelWarn
	Fatal = countersign.LevelFatal
)

// serverTimeout is the time for checking a mail server.
const serverTimeout = 30 * time.Second

// checkTimeout is how long one check may take.
const checkTimeout = 10 * time.Second

// Check connects to the mail server as if to send mail: name, connection, certificate and
// login.
func (s *SMTP) Check(ctx context.Context) Finding {
	f := Finding{Subject: fmt.Sprintf("Mail server %s:%d", s.host, s.port), Level: Fatal}
	if said := resolves(ctx, s.host); said != "" {
		f.Text, f.Fix = said, "Put the name right in --smtp-url, or the resolver of this machine."
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, serverTimeout)
	defer cancel()
	session, err := s.converse(ctx, time.Time{})
	if err != nil {
		f.Text, f.Fix = s.explain(err), "Put --smtp-url right: host, port, tls, ca, user and password; or ask who runs the server."
		return f
	}
	_, asks := session.extensions["AUTH"]
	session.quit()
	f.Level, f.Text = Good, "it answers, its certificate is right, and it takes our login"
	switch {
	case s.user == "" && asks:
		f.Level, f.Text = Warn, "it answers and wants a login, and --smtp-url has none"
		f.Fix = "Put user and password into --smtp-url, unless this server takes mail from this machine without."
	case s.user == "":
		f.Text = "it answers, and its certificate is right; there is no login"
	}
	if s.security == "none" {
		f.Text, f.Fix = "it answers, without encryption", ""
		if !isLocal(s.host) {
			f.Level, f.Fix = Warn, "Anybody on the way reads the tokens: use tls=starttls or tls=implicit in --smtp-url."
		}
	}
	return f
}

// resolves returns why a name has no address; empty if it has one.
func resolves(ctx context.Context, host string) string {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	_, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	var dns *net.DNSError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &dns) && dns.IsNotFound:
		return "there is no host of this name"
	default:
		return "the name could not be looked up"
	}
}

// Check reports whether each gateway can be reached and accepts our login, as far as that can
// be known without sending a message.
func (r *Routes) Check(ctx context.Context) []Finding {
	var all []Finding
	for _, g := range r.all {
		f := Finding{Subject: "Text gateway " + g.Name(), Level: Fatal, Fix: "Put --sms-url right, or ask who runs the gateway."}
		said, err := "", error(nil)
		if c, ok := g.(interface {
			check(context.Context) (string, error)
		}); ok {
			said, err = c.check(ctx)
		}
		switch {
		case err != nil:
			f.Text = oneLine(err.Error())
		default:
			f.Level, f.Text, f.Fix = Good, said, ""
		}
		if s, ok := g.(*SMPP); ok && err == nil && s.client.TLS == nil && !isLocal(s.host) {
			f.Level, f.Fix = Warn, "Anybody on the way reads the tokens: use tls=implicit, or a private network."
		}
		all = append(all, f)
	}
	return all
}

func (s *SMPP) check(ctx context.Context) (string, error) {
	defer s.client.Close()
	if err := s.client.Check(ctx); err != nil {
		return "", err
	}
	return "it answers and takes our login", nil
}

// check requests the account itself, which costs nothing.
func (t *Twilio) check(ctx context.Context) (string, error) {
	r, err := http.NewRequest(http.MethodGet, t.base+"/2010-04-01/Accounts/"+t.sid+".json", nil)
	if err != nil {
		return "", err
	}
	r.SetBasicAuth(t.sid, t.token)
	a, err := post(ctx, t.client, "Twilio", r)
	switch {
	case err != nil:
		return "", errors.New("it can't be reached")
	case a.code == http.StatusUnauthorized:
		return "", errors.New("it did not take our login")
	case a.code != http.StatusOK:
		return "", fmt.Errorf("it answered %d", a.code)
	}
	return "it answers and takes our login", nil
}

func (v *Vonage) check(ctx context.Context) (string, error)  { return probe(ctx, v.base) }
func (h *Webhook) check(ctx context.Context) (string, error) { return probe(ctx, h.url) }

// probe connects to a service and returns what it found. Only the first message shows
// whether our login is right.
func probe(ctx context.Context, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("its address can't be read")
	}
	if said := resolves(ctx, u.Hostname()); said != "" {
		return "", errors.New(said)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	dialer := &net.Dialer{Timeout: checkTimeout}
	to := net.JoinHostPort(u.Hostname(), port)
	if u.Scheme == "http" {
		c, err := dialer.DialContext(ctx, "tcp", to)
		if err != nil {
			return "", errors.New("it can't be reached")
		}
		return "it answers", c.Close()
	}
	secure := &tls.Dialer{NetDialer: dialer, Config: &tls.Config{MinVersion: tls.VersionTLS12}}
	c, err := secure.DialContext(ctx, "tcp", to)
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return "", errors.New("its certificate is not right: " + certificateFault(certificate.Err))
	}
	if err != nil {
		return "", errors.New("it can't be reached")
	}
	return "it answers, and its certificate is right; the login shows with the first message", c.Close()
}

// isNotFound reports whether a name has no record of the kind asked for.
func isNotFound(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

// tagsOf returns the tags of a DKIM or DMARC record.
func tagsOf(record string) map[string]string {
	all := map[string]string{}
	for _, part := range strings.Split(record, ";") {
		name, value, ok := strings.Cut(part, "=")
		if ok {
			all[strings.ToLower(strings.TrimSpace(name))] = strings.Join(strings.Fields(value), "")
		}
	}
	return all
}
