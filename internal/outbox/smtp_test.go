package outbox_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"countersign"
	"countersign/internal/mtatest"
	"countersign/internal/outbox"
	"countersign/internal/secret"
)

func route(t *testing.T, url string) *outbox.SMTP {
	t.Helper()
	s, err := outbox.ParseSMTP(url)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return s
}

func mailTo(to string) outbox.Outgoing {
	return outbox.Outgoing{ID: "m1", Channel: countersign.ChannelEmail, From: `"Agency Support" <support@acme.example>`, To: to,
		Subject: "Your Agency Integrator token (KX)", Text: "The token is 344078.\n", HTML: "<p>The token is <b>344078</b>.</p>"}
}

// Each behavior of a real mail server has its outcome, in words that can be saved and shown.
// Only a refusal of this mail is permanent.
func TestMailServers(t *testing.T) {
	m := mtatest.Start(t)
	for _, c := range []struct {
		name, url, to string
		says          string // empty: accepted
		permanent     bool
		unsure        bool
	}{
		{"taken", m.URL(), "bsmith@acme.example", "", false, false},
		{"taken, TLS at once", m.At(mtatest.Implicit), "bsmith@acme.example", "", false, false},
		{"taken, AUTH PLAIN", m.At(mtatest.Usual, "auth", "plain"), "bsmith@acme.example", "", false, false},
		{"taken, AUTH LOGIN", m.At(mtatest.Usual, "auth", "login"), "bsmith@acme.example", "", false, false},
		{"no such user", m.URL(), "nobody@acme.example", "550 5.1.1 No such user here", true, false},
		{"mailbox full", m.URL(), "full@acme.example", "552 5.2.2 Mailbox full", true, false},
		{"busy", m.URL(), "later@acme.example", "450 4.2.1 Mailbox busy", false, false},
		{"greylisted", m.URL(), "grey@acme.example", "451 4.7.1 Greylisted, try again in a second", false, false},
		{"filter away", m.URL(), "data4@acme.example", "451 4.3.0 Content filter not available", false, false},
		{"content refused", m.URL(), "data5@acme.example", "554 5.6.0 Content refused", true, false},
		{"going down", m.URL(), "drop@acme.example", "421 4.3.0 Going down", false, false},
		{"hangs before the mail", m.URL(), "hangdata@acme.example", "there was no answer in time", false, false},
		{"hangs after the mail", m.URL(), "slowend@acme.example", "there was no answer after the mail; it may have arrived", false, true},
		{"another host's certificate", m.At(mtatest.Foreign), "bsmith@acme.example", "its certificate is not right: it is of another host", false, false},
		{"no encryption", m.At(mtatest.Unsecure), "bsmith@acme.example", "it offers no encryption (STARTTLS)", false, false},
		{"away", m.At(mtatest.Away), "bsmith@acme.example", "421 4.3.2 … is down for maintenance", false, false},
		{"no login", strings.Replace(m.URL(), mtatest.User+":"+mtatest.Password+"@", "", 1), "bsmith@acme.example", "it wants a login: 530 5.7.0 Authentication required", false, false},
		{"wrong password", strings.Replace(m.URL(), mtatest.Password, "wrong", 1), "bsmith@acme.example", "it did not take our login: 535", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := route(t, c.url)
			if strings.Contains(c.name, "hangs") {
				s.Timeout = 2 * time.Second
			}
			receipt, err := s.Send(t.Context(), mailTo(c.to))
			var refusal *outbox.Refusal
			switch {
			case c.says == "" && (err != nil || receipt.Server != "127.0.0.1" || receipt.Answer != "250 OK"):
				t.Errorf("%+v %v", receipt, err)
			case c.says == "":
			case !errors.As(err, &refusal):
				t.Errorf("got %v", err)
			case !strings.HasPrefix(refusal.Answer, c.says) || refusal.Permanent != c.permanent || refusal.MaybeTaken != c.unsure:
				t.Errorf("got %q, permanent %v, unsure %v", refusal.Answer, refusal.Permanent, refusal.MaybeTaken)
			}
		})
	}
}

// A greylisted mail is accepted at a later try, within seconds.
func TestGreylisted(t *testing.T) {
	m := mtatest.Start(t)
	s := route(t, m.URL())
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		_, err := s.Send(t.Context(), mailTo("grey@acme.example"))
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	if got := m.Wait(t, "grey@acme.example", 1)[0]; got.Header.Get("Message-Id") != "<m1@acme.example>" {
		t.Errorf("Message-ID %s", got.Header.Get("Message-Id"))
	}
}

// NT-02: a mail says who sent it and that it is automatic. Envelope and header have one sender
// domain. The plain text comes first, and there is no tracking.
func TestMailAsItArrives(t *testing.T) {
	m := mtatest.Start(t)
	if _, err := route(t, m.URL()).Send(t.Context(), mailTo("bob@xn--bcher-kva.example")); err != nil {
		t.Fatal(err)
	}
	got := m.Wait(t, "bob@xn--bcher-kva.example", 1)[0]
	for name, want := range map[string]string{"Auto-Submitted": "auto-generated", "Message-Id": "<m1@acme.example>",
		"From": `"Agency Support" <support@acme.example>`, "Subject": "Your Agency Integrator token (KX)"} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if got.Sender != "support@acme.example" || !strings.Contains(got.Text, "344078") || !strings.Contains(got.HTML, "344078") {
		t.Errorf("%+v", got)
	}
	if plain, html := bytes.Index(got.Raw, []byte("text/plain")), bytes.Index(got.Raw, []byte("text/html")); plain < 0 || html < plain {
		t.Error("the plain text does not come first")
	}
	if bytes.Contains(got.Raw, []byte("<img")) {
		t.Error("it has a picture")
	}
}

// Another program verifies a signature with the record that the command prints. Changed or
// added headers and text break it. Another domain's mail is not signed.
func TestDKIM(t *testing.T) {
	m := mtatest.Start(t)
	private, err := secret.NewSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	key := countersign.DKIMKey{Domain: "acme.example", Selector: "cs1-acme", Private: private, Signs: true}
	record, err := outbox.DKIMRecord(key)
	if err != nil {
		t.Fatal(err)
	}
	l := mailTo("bsmith@acme.example")
	l.DKIM = key
	if _, err := route(t, m.URL()).Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	onTheWire := func(m mtatest.Mail) []byte { return bytes.ReplaceAll(m.Raw, []byte("\n"), []byte("\r\n")) } // a Maildir has other line ends
	raw := onTheWire(m.Wait(t, "bsmith@acme.example", 1)[0])
	verify := func(raw []byte) []*dkim.Verification {
		t.Helper()
		all, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
			if name != key.RecordName() {
				t.Errorf("it asked for %s", name)
			}
			return []string{record}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	all := verify(raw)
	if len(all) != 1 || all[0].Err != nil || all[0].Domain != "acme.example" {
		t.Fatalf("%+v %v\n%s", all, all[0].Err, raw)
	}
	for name, forged := range map[string][]byte{
		"another text":     bytes.Replace(raw, []byte("The token is 344078."), []byte("The token is 111111."), 1),
		"a second subject": append([]byte("Subject: Urgent\r\n"), raw...),
		"a second date":    append([]byte("Date: Mon, 2 Nov 2026 14:00:00 +0000\r\n"), raw...),
		"a second sender":  append([]byte("From: boss@acme.example\r\n"), raw...),
	} {
		if all := verify(forged); all[0].Err == nil {
			t.Errorf("%s is taken for signed", name)
		}
	}
	key.Domain = strings.Repeat("long-name.", 10) + "acme.example"
	l.DKIM, l.From, l.To = key, "support@"+key.Domain, "jjones@acme.example"
	if _, err := route(t, m.URL()).Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if all := verify(onTheWire(m.Wait(t, "jjones@acme.example", 1)[0])); len(all) != 1 || all[0].Err != nil {
		t.Errorf("a long domain: %v", all)
	}
	l.From, l.To = "support@other.example", "cbills@acme.example"
	if _, err := route(t, m.URL()).Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if all := verify(onTheWire(m.Wait(t, "cbills@acme.example", 1)[0])); len(all) != 0 {
		t.Errorf("another domain's mail is signed: %+v", all)
	}
}

// auth=xoauth2: a token is requested with client credentials and reused while it is valid.
// After the server rejects it, the next try requests a new one.
func TestLoginByBearerToken(t *testing.T) {
	m := mtatest.Start(t)
	given, asked := "token-1", 0
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		want := url.Values{"grant_type": {"client_credentials"}, "client_id": {"cs"}, "client_secret": {"s3cret"}, "scope": {"https://outlook.office365.com/.default"}}
		if err := r.ParseForm(); err != nil || r.PostForm.Encode() != want.Encode() {
			t.Errorf("it was asked %s", r.PostForm.Encode())
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": given, "token_type": "Bearer", "expires_in": 3600})
	}))
	defer tokens.Close()
	s := route(t, m.At(mtatest.Usual, "auth", "xoauth2", "token-url", tokens.URL, "client-id", "cs", "client-secret", "s3cret", "scope", "https://outlook.office365.com/.default"))
	send := func() error {
		_, err := s.Send(t.Context(), mailTo("bsmith@acme.example"))
		return err
	}
	m.Bearer(t, "token-1")
	if err := errors.Join(send(), send()); err != nil || asked != 1 {
		t.Fatalf("%v, asked %d times", err, asked)
	}
	m.Bearer(t, "token-2")
	var refusal *outbox.Refusal
	if err := send(); !errors.As(err, &refusal) || refusal.Permanent || !strings.Contains(refusal.Answer, "it did not take our login") {
		t.Errorf("a token that is over: %v", err)
	}
	given = "token-2"
	if err := send(); err != nil || asked != 2 {
		t.Errorf("%v, asked %d times", err, asked)
	}
	tokens.Close()
	m.Bearer(t, "token-3")
	_ = send()
	if err := send(); !errors.As(err, &refusal) || refusal.Permanent || !strings.Contains(refusal.Answer, "gives out tokens") {
		t.Errorf("nobody gives out tokens: %v", err)
	}
}

func TestBearerSettings(t *testing.T) {
	const whole = "&auth=xoauth2&token-url=https://t.example/token&client-id=c&client-secret=s"
	if _, err := outbox.ParseSMTP("smtp://support%40acme.example@smtp.office365.com:587?tls=starttls" + whole + "&refresh-token=r"); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"smtp://smtp.example?tls=starttls" + whole, "smtp://u@smtp.example?tls=none" + whole, "smtp://u@h?auth=xoauth2", "smtp://u@h?auth=ntlm",
		"smtp://u@h?auth=xoauth2&token-url=http://t.example&client-id=c&client-secret=s", "smtp://u@h?auth=xoauth2&token-url=https://t.example"} {
		if _, err := outbox.ParseSMTP(bad); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
