package outbox

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"countersign/internal/textfile"
)

// sendTimeout is how long an OAuth token service or a text gateway may take to answer.
const sendTimeout = 15 * time.Second

// anyLogin selects the strongest mechanism that the server offers.
const anyLogin = "any"

// An SMTP sends mail through a mail server.
type SMTP struct {
	Timeout time.Duration // longest for each answer of the server; 0: as RFC 5321 says
	Helo    string        // our name in EHLO; empty: that of this machine

	host     string
	port     int
	security string // starttls, implicit, none
	user     string
	password string
	login    string       // plain, login, xoauth2, anyLogin; empty: none
	bearer   *tokenSource // login by OAuth; nil: by password
	tls      *tls.Config
}

// smtpOptions are the options that the query of the URL may contain.
var smtpOptions = []string{"tls", "ca", "auth", "token-url", "client-id", "client-secret", "refresh-token", "scope"}

// ParseSMTP parses smtp://user:pass@host:587?tls=starttls. tls is starttls (required, the
// default), implicit or none; ca names a file with the certificate of a private authority;
// auth is plain, login or xoauth2, by default the strongest that the server offers.
func ParseSMTP(raw string) (*SMTP, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("it is not a URL like smtp://user:password@mail.acme.example:587")
	}
	if u.Scheme == "smtps" {
		return nil, errors.New("TLS from the first byte is written smtp://user:password@mail.acme.example:465?tls=implicit")
	}
	if u.Scheme != "smtp" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("it must look like smtp://user:password@mail.acme.example:587")
	}
	if err := checkOptions(u, smtpOptions...); err != nil {
		return nil, err
	}
	s := &SMTP{host: u.Hostname()}
	if err := s.secure(u); err != nil {
		return nil, err
	}
	return s, s.authenticate(u)
}

// secure sets port and encryption.
func (s *SMTP) secure(u *url.URL) error {
	ports := map[string]int{"starttls": 587, "implicit": 465, "none": 25}
	s.security = u.Query().Get("tls")
	if s.security == "" {
		s.security = "starttls"
	}
	known := false
	if s.port, known = ports[s.security]; !known {
		return errors.New("tls must be starttls, implicit or none")
	}
	if p := u.Port(); p != "" {
		n, err := strconv.Atoi(p)
		if err != nil || n < 1 || n > 65535 {
			return errors.New("the port must be 1 to 65535")
		}
		s.port = n
	}
	var err error
	s.tls, err = tlsOf(s.host, u.Query().Get("ca"))
	return err
}

// tlsOf returns the TLS settings for a host; file names the certificate of a private
// authority.
func tlsOf(host, file string) (*tls.Config, error) {
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if file == "" {
		return config, nil
	}
	pem, err := textfile.Read(file)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM([]byte(pem)) {
		return nil, fmt.Errorf("ca: %s holds no certificate", file)
	}
	return config, nil
}

// authenticate sets how to log in.
func (s *SMTP) authenticate(u *url.URL) error {
	s.user = u.User.Username()
	s.password, _ = u.User.Password()
	kind := u.Query().Get("auth")
	if kind == "" && s.user == "" {
		return nil
	}
	if s.user == "" {
		return errors.New("auth needs a user name before the host, as in smtp://user@host")
	}
	switch kind {
	case "":
		s.login = anyLogin
	case "plain", "login":
		s.login = kind
	case "xoauth2":
		return s.authorize(u.Query())
	default:
		return errors.New("auth must be plain, login or xoauth2")
	}
	return nil
}

// authorize sets how to get the bearer token for auth=xoauth2.
func (s *SMTP) authorize(q url.Values) error {
	if s.security == "none" && !isLocal(s.host) {
		return errors.New("auth=xoauth2 needs encryption: anybody on the way could use the token")
	}
	s.login = "xoauth2"
	var err error
	s.bearer, err = newTokenSource(q)
	return err
}

// helo returns our name in EHLO: a host name, or an address literal (RFC 5321 §4.1.3).
func (s *SMTP) helo() string {
	name := s.Helo
	if name == "" {
		name, _ = os.Hostname()
	}
	if address, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		if address.Is4() {
			return "[" + address.String() + "]"
		}
		return "[IPv6:" + address.String() + "]"
	}
	return cmp.Or(name, "localhost")
}
