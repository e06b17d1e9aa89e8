// Package config holds the settings of the program: one struct, read from flags,
// environment and an optional file, in this order of precedence. Errors name the
// setting and the fix.
package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/net/idna"

	"countersign"
	"countersign/internal/textfile"
)

// Settings holds the settings of every command. Each one is a flag, an environment
// variable COUNTERSIGN_<FLAG> and a key of the file.
type Settings struct {
	Config        string   `help:"TOML file with settings by the names of these flags." placeholder:"FILE"`
	PublicURL     string   `name:"public-url" help:"The one base URL that users see, for example https://login.acme.example." placeholder:"URL"`
	Listen        string   `default:":8080" help:"Public listener."`
	OpsListen     string   `name:"ops-listen" default:"127.0.0.1:9090" help:"Listener for /metrics, /healthz, /readyz and profiling; never a public one."`
	Data          string   `default:"./countersign-data" help:"Directory for the embedded database and the master key." placeholder:"DIR"`
	Database      string   `help:"sqlite:FILE or postgres://user:pass@host/db. Without it, a file in --data." placeholder:"URL"`
	DatabaseFile  string   `name:"database-file" help:"File that holds --database." placeholder:"FILE"`
	MasterKeyFile string   `name:"master-key-file" help:"File with the key that seals secrets. Without it, master.key in --data." placeholder:"FILE"`
	TrustedProxy  []string `name:"trusted-proxy" help:"Network of a proxy whose X-Forwarded-For is believed, as CIDR; repeatable." placeholder:"CIDR"`
	SMTPURL       string   `name:"smtp-url" help:"Mail server: smtp://user:pass@host:587?tls=starttls (or implicit, none)." placeholder:"URL"`
	SMTPURLFile   string   `name:"smtp-url-file" help:"File that holds --smtp-url." placeholder:"FILE"`
	SMTPHelo      string   `name:"smtp-helo" help:"Name that mail servers are greeted with (EHLO). Without it, the host of --public-url." placeholder:"NAME"`
	MailFrom      string   `name:"mail-from" help:"Sender of mail: Agency Support <support@acme.example>." placeholder:"ADDRESS"`
	SMSURL        []string `name:"sms-url" sep:"none" help:"Text gateway: twilio://, vonage://, smpp:// or webhook+https://; repeatable, in order of preference." placeholder:"URL"`
	SMSURLFile    string   `name:"sms-url-file" help:"File that holds --sms-url, one on each line." placeholder:"FILE"`
	SMSBudget     int      `name:"sms-budget" default:"5000" help:"Text messages that all agencies together may send in a day; 0: no limit."`
	Breached      string   `name:"breached-passwords" help:"File of stolen passwords, made by password-filter build." placeholder:"FILE"`
	LogFormat     string   `name:"log-format" default:"text" help:"text or json."`
	LogLevel      string   `name:"log-level" default:"info" help:"debug, info, warn or error."`

	Preferences []countersign.Preference `kong:"-"` // declared in the file
}

// An Error reports an invalid setting; the program exits with status 2.
type Error struct {
	Setting string
	Problem string
	Err     error // what is wrong, if it is an error for people; Problem says with which setting
}

func (e *Error) Error() string { return e.Setting + ": " + e.Problem }

func (e *Error) Unwrap() error { return e.Err }

func wrong(setting, problem string, args ...any) error {
	return &Error{Setting: setting, Problem: fmt.Sprintf(problem, args...)}
}

// Resolve reads secrets from their files and derives defaults from --data.
func (s *Settings) Resolve() error {
	secrets := []struct {
		flag, file string
		to         func(string)
	}{
		{"--database", s.DatabaseFile, func(v string) { s.Database = v }},
		{"--smtp-url", s.SMTPURLFile, func(v string) { s.SMTPURL = v }},
		{"--sms-url", s.SMSURLFile, func(v string) { s.SMSURL = strings.Fields(v) }},
	}
	for _, secret := range secrets {
		if secret.file == "" {
			continue
		}
		text, err := textfile.Read(secret.file)
		if err != nil {
			return wrong(secret.flag+"-file", "%s cannot be read: %v", secret.file, cause(err))
		}
		secret.to(strings.TrimSpace(text))
	}
	if s.Database == "" {
		s.Database = "sqlite:" + filepath.Join(s.Data, "countersign.db")
	}
	if s.MasterKeyFile == "" {
		s.MasterKeyFile = filepath.Join(s.Data, "master.key")
	}
	return s.checkDatabase()
}

// cause returns a file error without its path, which the message already names.
func cause(err error) error {
	var path *os.PathError
	if asPath(err, &path) {
		return path.Err
	}
	return err
}

func asPath(err error, to **os.PathError) bool {
	e, ok := err.(*os.PathError)
	*to = e
	return ok
}

func (s *Settings) checkDatabase() error {
	scheme, rest, _ := strings.Cut(s.Database, ":")
	switch scheme {
	case "sqlite":
		return nil
	case "postgres", "postgresql":
		authority, _, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
		if strings.Count(authority, "@") > 1 {
			return wrong("--database", "the user name or password has an @, which means something else in a URL; write it as %%40")
		}
		return nil
	default:
		return wrong("--database", "it must begin with sqlite: or postgres://")
	}
}

// Public checks --public-url: https, or http for loopback names only.
func (s *Settings) Public() (*url.URL, error) {
	const name = "--public-url"
	if s.PublicURL == "" {
		return nil, wrong(name, "it is missing; give the base URL that users see, for example --public-url https://login.acme.example")
	}
	u, err := url.Parse(s.PublicURL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, wrong(name, "%q is not a URL like https://login.acme.example", s.PublicURL)
	case u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, wrong(name, "%q has more than scheme, host and port; write it like https://login.acme.example", s.PublicURL)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, wrong(name, "http is for localhost only; write https://%s", u.Host)
	}
	host, err := asciiHost(strings.TrimSuffix(u.Hostname(), ".")) // browsers drop the dot of the root
	if err != nil || strings.Contains(host, "..") || strings.HasSuffix(host, ".") {
		return nil, wrong(name, "%q is not a host name; write it as browsers send it, with xn-- where it has letters beyond a to z", u.Hostname())
	}
	u.Path, u.Host = "", strings.ToLower(strings.Replace(u.Host, u.Hostname(), host, 1))
	return u, nil
}

// asciiHost returns a host name as browsers send it: letters beyond ASCII as punycode.
func asciiHost(host string) (string, error) {
	if !strings.ContainsFunc(host, func(r rune) bool { return r > 0x7e }) {
		return host, nil
	}
	return idna.Lookup.ToASCII(host)
}

func loopback(host string) bool {
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// Proxies checks --trusted-proxy.
func (s *Settings) Proxies() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range s.TrustedProxy {
		p, err := countersign.ParseNetwork(text)
		if err != nil && p.IsValid() {
			return nil, wrong("--trusted-proxy", "%v, like 10.0.0.0/8", err)
		}
		if err != nil {
			return nil, wrong("--trusted-proxy", "%q is not a network like 10.0.0.0/8 or 192.0.2.7", text)
		}
		all = append(all, p)
	}
	return all, nil
}

// From checks --mail-from; empty if no mail server is set.
func (s *Settings) From() (string, error) {
	if s.MailFrom == "" {
		if s.SMTPURL != "" {
			return "", wrong("--mail-from", "it is missing; mail needs a sender, for example --mail-from \"Agency Support <support@acme.example>\"")
		}
		return "", nil
	}
	a, err := mail.ParseAddress(s.MailFrom)
	typed := strings.TrimSpace(s.MailFrom)
	if err != nil || typed != a.Address && !strings.HasSuffix(typed, ">") { // the syntax of groups contains an address too
		return "", wrong("--mail-from", "%q is not a sender like Agency Support <support@acme.example>", s.MailFrom)
	}
	local, domain, _ := strings.Cut(a.Address, "@")
	domain, err = idna.Lookup.ToASCII(domain)
	if err != nil || strings.ContainsFunc(local, func(r rune) bool { return r > '~' }) {
		return "", wrong("--mail-from", "%q: most mail servers take no such address; before @ stand letters from a to z, digits and signs", s.MailFrom)
	}
	a.Address = local + "@" + domain
	return a.String(), nil
}

// hostName matches the name of a host in ASCII.
var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// Helo checks --smtp-helo. The default is the host of --public-url, and empty without
// one.
func (s *Settings) Helo() (string, error) {
	if s.SMTPHelo == "" {
		if s.PublicURL == "" {
			return "", nil
		}
		u, err := s.Public()
		if err != nil {
			return "", err
		}
		return u.Hostname(), nil
	}
	name := strings.TrimSuffix(strings.TrimSpace(s.SMTPHelo), ".")
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return strings.Trim(name, "[]"), nil
	}
	name, err := idna.Lookup.ToASCII(name)
	if err != nil || len(name) > 253 || !hostName.MatchString(name) {
		return "", wrong("--smtp-helo", "%q is not a host name like mail.acme.example", s.SMTPHelo)
	}
	return name, nil
}

// Logger returns the log on standard error, as --log-format and --log-level say.
func (s *Settings) Logger(to *os.File) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		return nil, wrong("--log-level", "%q is not one of debug, info, warn, error", s.LogLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	switch s.LogFormat {
	case "text":
		return slog.New(slog.NewTextHandler(to, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(to, options)), nil
	default:
		return nil, wrong("--log-format", "%q is not one of text, json", s.LogFormat)
	}
}
