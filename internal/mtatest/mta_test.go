package mtatest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/wneessen/go-mail"
)

// client returns a client with the settings of the server's URL, as the product uses them.
func client(t *testing.T, m *MTA, with ...mail.Option) *mail.Client {
	t.Helper()
	u, err := url.Parse(m.URL())
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(u.Query().Get("ca"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("the authority's file holds no certificate")
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	options := []mail.Option{
		mail.WithPort(port), mail.WithTLSPolicy(mail.TLSMandatory),
		mail.WithTLSConfig(&tls.Config{RootCAs: pool, ServerName: u.Hostname()}),
		mail.WithSMTPAuth(mail.SMTPAuthPlain), mail.WithUsername(u.User.Username()), mail.WithPassword(password),
		mail.WithoutSMTPUTF8(),
	}
	c, err := mail.NewClient(u.Hostname(), append(options, with...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func letter(t *testing.T, to, text string, encoding mail.Encoding) *mail.Msg {
	t.Helper()
	m := mail.NewMsg(mail.WithEncoding(encoding))
	if err := errors.Join(m.From("Agency Support <support@acme.example>"), m.EnvelopeFrom("bounces@acme.example"), m.To(to)); err != nil {
		t.Fatal(err)
	}
	m.Subject("Grüße: " + text)
	m.SetBodyString(mail.TypeTextPlain, text+"\nüber zwei Zeilen\n")
	m.AddAlternativeString(mail.TypeTextHTML, "<p>"+text+"</p>")
	return m
}

func TestMailIsDeliveredAndReadAsItWasWritten(t *testing.T) {
	m := Start(t)
	for i, encoding := range []mail.Encoding{mail.EncodingQP, mail.EncodingB64, mail.NoEncoding} {
		text := fmt.Sprintf("letter %d", i)
		auth := mail.WithSMTPAuth([]mail.SMTPAuthType{mail.SMTPAuthPlain, mail.SMTPAuthLogin, mail.SMTPAuthAutoDiscover}[i])
		if err := client(t, m, auth).DialAndSendWithContext(t.Context(), letter(t, "BSMITH@acme.example", text, encoding)); err != nil {
			t.Fatal(err)
		}
		mails := m.Wait(t, "bsmith@acme.example", i+1)
		got := mails[i]
		for _, c := range []struct{ what, got, want string }{
			{"subject", got.Subject, "Grüße: " + text},
			{"text", got.Text, text + "\nüber zwei Zeilen\n"},
			{"html", got.HTML, "<p>" + text + "</p>"},
			{"sender", got.Sender, "bounces@acme.example"},
			{"from", got.Header.Get("From"), `"Agency Support" <support@acme.example>`},
		} {
			if strings.TrimSpace(c.got) != strings.TrimSpace(c.want) {
				t.Errorf("%s %q, want %q", c.what, c.got, c.want)
			}
		}
	}
	if other := m.Mails(t, "cbills@acme.example"); len(other) != 0 {
		t.Errorf("got %d mails to somebody else, want none", len(other))
	}
	if all := m.Mails(t, ""); len(all) != 3 {
		t.Errorf("got %d mails in all, want 3", len(all))
	}
}

func TestTheServerRefusesAsMailServersDo(t *testing.T) {
	m := Start(t)
	for _, c := range []struct {
		name, to, want string
		with           mail.Option
	}{
		{"nobody", "nobody@acme.example", `550 "5.1.1`, mail.WithPassword(Password)},
		{"later", "later@acme.example", `450 "4.2.1`, mail.WithPassword(Password)},
		{"wrong password", "bsmith@acme.example", "535", mail.WithPassword("wrong")},
		{"no login", "bsmith@acme.example", `530 "5.7.0`, mail.WithSMTPAuth(mail.SMTPAuthNoAuth)},
		{"no TLS", "bsmith@acme.example", "AUTH", mail.WithTLSPolicy(mail.NoTLS)},
		{"unknown authority", "bsmith@acme.example", "unknown authority", mail.WithTLSConfig(&tls.Config{ServerName: "127.0.0.1"})},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := client(t, m, c.with).DialAndSendWithContext(t.Context(), letter(t, c.to, c.name, mail.EncodingQP))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	if mails := m.Mails(t, ""); len(mails) != 0 {
		t.Errorf("got %d mails, want none", len(mails))
	}
}

func TestTheServerGoesAwayAndComesBack(t *testing.T) {
	m := Start(t)
	send := func(text string) error {
		return client(t, m).DialAndSendWithContext(t.Context(), letter(t, "bsmith@acme.example", text, mail.EncodingQP))
	}
	if err := send("before"); err != nil {
		t.Fatal(err)
	}
	m.Wait(t, "", 1)
	url := m.URL()
	m.Leave(t) // an interrupted delivery would be repeated
	m.Leave(t)
	m.Stop(t)
	if err := send("meanwhile"); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v, want a refused connection", err)
	}
	m.Start(t)
	m.Start(t)
	if m.URL() != url {
		t.Errorf("it came back at %s, want %s", m.URL(), url)
	}
	if err := send("after"); err != nil {
		t.Fatal(err)
	}
	if got := m.Wait(t, "bsmith@acme.example", 2); !strings.Contains(got[0].Subject, "before") || !strings.Contains(got[1].Subject, "after") {
		t.Errorf("got %q and %q, want before and after", got[0].Subject, got[1].Subject)
	}
}

func TestAPortThatIsTakenIsTold(t *testing.T) {
	m := Start(t)
	m.Stop(t)
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", m.ports[Usual]))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := m.start(); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("got %v, want that the address is in use", err)
	}
}

func TestFilesAreReadInTheOrderOfDelivery(t *testing.T) {
	for _, c := range []struct{ first, second string }{
		{"1763993999.M5P2.mail", "1763993999.M31337P1.mail"},
		{"/inbox/new/999.M1P1.mail", "/inbox/new/1000.M0P1.mail"},
	} {
		if byDelivery(c.first, c.second) >= 0 || byDelivery(c.second, c.first) <= 0 {
			t.Errorf("%s does not come before %s", c.first, c.second)
		}
	}
}
