package outbox_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/mtatest"
	"countersign/internal/outbox"
	"countersign/internal/secret"
)

// Check finds what a mail server answers to a session without mail, and how to fix it.
func TestCheckMail(t *testing.T) {
	m := mtatest.Start(t)
	for _, c := range []struct {
		name, url, says string
		level           outbox.Level
	}{
		{"right", m.URL(), "takes our login", outbox.Good},
		{"no login", strings.Replace(m.URL(), mtatest.User+":"+mtatest.Password+"@", "", 1), "wants a login, and --smtp-url has none", outbox.Warn},
		{"wrong password", strings.Replace(m.URL(), mtatest.Password, "wrong", 1), "it did not take our login: 535", outbox.Fatal},
		{"another host's certificate", m.At(mtatest.Foreign), "its certificate is not right", outbox.Fatal},
		{"no encryption", m.At(mtatest.Unsecure), "it offers no encryption", outbox.Fatal},
		{"away", m.At(mtatest.Away), "421 4.3.2", outbox.Fatal},
		{"nobody", "smtp://127.0.0.1:1", "refused", outbox.Fatal},
		{"no such name", "smtp://mail.invalid", "looked up|no host of this name", outbox.Fatal},
	} {
		f := route(t, c.url).Check(t.Context())
		found := false
		for _, says := range strings.Split(c.says, "|") {
			found = found || strings.Contains(f.Text, says)
		}
		if f.Level != c.level || !found || (f.Level == outbox.Good) != (f.Fix == "") || strings.Contains(f.Text+f.Fix, mtatest.Password) {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

func TestCheckGateways(t *testing.T) {
	g := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "right" {
			w.WriteHeader(401)
		}
	})
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.TLS = &tls.Config{}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := gone.Addr().String()
	_ = gone.Close()
	all := parse(t, "twilio://"+account+":right@"+g.Host+"?from=1", "vonage://k:s@"+g.Host+"?from=1", "webhook+"+secure.URL+"/sms?secret=s3cret",
		"webhook+http://"+closed+"/sms?secret=s", "smpp://u:p@"+closed).Check(t.Context())
	for i, want := range []struct {
		level outbox.Level
		says  string
	}{{outbox.Good, "takes our login"}, {outbox.Good, "it answers"}, {outbox.Fatal, "its certificate is not right"}, {outbox.Fatal, "can't be reached"}, {outbox.Fatal, "refused"}} {
		if f := all[i]; f.Level != want.level || !strings.Contains(f.Text, want.says) || strings.Contains(f.Text+f.Subject, "s3cret") {
			t.Errorf("%+v, want %+v", f, want)
		}
	}
	if f := parse(t, "twilio://"+account+":wrong@"+g.Host+"?from=1").Check(t.Context())[0]; f.Level != outbox.Fatal || f.Text != "it did not take our login" {
		t.Errorf("%+v", f)
	}
}

// dns is a zone. A name that is not in it does not exist; one with nil gives no answer.
type dns map[string][]string

func (d dns) lookup(_ context.Context, name string) ([]string, error) {
	all, ok := d[strings.TrimSuffix(name, ".")]
	if !strings.HasSuffix(name, ".") {
		panic("a search domain of this machine would be added to " + name)
	}
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	if all == nil {
		return nil, &net.DNSError{Err: "i/o timeout", Name: name, IsTimeout: true}
	}
	return all, nil
}

// NT-02: what the sender's domain lacks is reported, with the record to add.
func TestCheckDomain(t *testing.T) {
	private, err := secret.NewSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	other, err := secret.NewSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	key := countersign.DKIMKey{Domain: "mail.acme.example", Selector: "cs1-acme", Private: private, Signs: true}
	waits := key
	waits.Signs = false
	record, _ := outbox.DKIMRecord(key)
	foreign, _ := outbox.DKIMRecord(countersign.DKIMKey{Private: other})
	const spf, at, dmarc = "v=spf1 ip4:192.0.2.1 -all", "cs1-acme._domainkey.mail.acme.example", "v=DMARC1; p=reject"
	whole := dns{"mail.acme.example": {"other text", spf}, at: {record}, "_dmarc.mail.acme.example": {dmarc}}
	with := func(name string, texts ...string) dns {
		zone := dns{}
		for n, t := range whole {
			zone[n] = t
		}
		delete(zone, name)
		if len(texts) > 0 {
			zone[name] = texts
		}
		return zone
	}
	for _, c := range []struct {
		name  string
		zone  dns
		keys  []countersign.DKIMKey
		which int // 0 SPF, 1 DKIM, 2 DMARC
		level outbox.Level
		says  string
	}{
		{"SPF is there", whole, nil, 0, outbox.Good, spf},
		{"no SPF", with("mail.acme.example"), nil, 0, outbox.Warn, `Add, with the servers that your mail provider names: mail.acme.example. TXT "v=spf1`},
		{"two SPF", with("mail.acme.example", spf, spf), nil, 0, outbox.Warn, "Join them"},
		{"SPF that is broken", with("mail.acme.example", "v=spf1 ip4:192.0.2.1 include: -all"), nil, 0, outbox.Warn, `"include:" can't be read, so none of it counts`},
		{"SPF for everybody", with("mail.acme.example", "v=spf1 +all"), nil, 0, outbox.Warn, "lets everybody send"},
		{"SPF of another version", with("mail.acme.example", "v=spf10 ip4:192.0.2.1 -all"), nil, 0, outbox.Warn, "no record says"},
		{"one SPF beside another version", with("mail.acme.example", "v=spf10 +all", spf), nil, 0, outbox.Good, spf},
		{"DMARC of another version", with("_dmarc.mail.acme.example", "v=DMARC10; p=reject"), nil, 2, outbox.Warn, "_dmarc.mail.acme.example. TXT"},
		{"no answer", dns{"mail.acme.example": nil}, nil, 0, outbox.Warn, "gave no answer"},
		{"no key", whole, nil, 1, outbox.Warn, "message dkim --new"},
		{"key is there", whole, []countersign.DKIMKey{key}, 1, outbox.Good, "it signs"},
		{"record missing", with(at), []countersign.DKIMKey{key}, 1, outbox.Fatal, "Add: " + at + `. TXT "v=DKIM1`},
		{"record missing, not signing yet", with(at), []countersign.DKIMKey{waits}, 1, outbox.Warn, "its record is missing"},
		{"another key", with(at, foreign), []countersign.DKIMKey{key}, 1, outbox.Fatal, "Replace it by"},
		{"published, not signing", whole, []countersign.DKIMKey{waits}, 1, outbox.Warn, "--sign cs1-acme"},
		{"DMARC is there", whole, nil, 2, outbox.Good, dmarc},
		{"DMARC of the domain above", with("_dmarc.mail.acme.example"), nil, 2, outbox.Warn, "_dmarc.mail.acme.example. TXT"},
		{"DMARC watches", with("_dmarc.mail.acme.example", "v=DMARC1; p=none"), nil, 2, outbox.Good, "only watches"},
	} {
		f := outbox.CheckDomain(t.Context(), c.zone.lookup, "mail.acme.example", c.keys)[c.which]
		if f.Level != c.level || !strings.Contains(f.Text+" "+f.Fix, c.says) {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
	above := with("_dmarc.mail.acme.example")
	above["_dmarc.acme.example"] = []string{dmarc}
	if f := outbox.CheckDomain(t.Context(), above.lookup, "mail.acme.example", nil)[2]; f.Level != outbox.Good {
		t.Errorf("the domain above is not asked: %+v", f)
	}
}
