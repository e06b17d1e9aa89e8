package outbox_test

import (
	"bytes"
	"mime"
	"net/mail"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"countersign"
	"countersign/internal/mtatest"
	"countersign/internal/outbox"
	"countersign/internal/secret"
	"countersign/internal/wording"
)

// Whatever an agency's wording is, its mail arrives unchanged, from one sender, and another
// program verifies its signature.
func TestWordedMailIsSigned(t *testing.T) {
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
	long := strings.TrimSpace(strings.Repeat("word ", 29))
	for name, c := range map[string]struct{ from, subject, body string }{
		"long-words":  {"Agency Support <support@acme.example>", long, long + "\n\n{token}"},
		"one-word":    {"Agency Support <support@acme.example>", strings.Repeat("x", 150), strings.Repeat("x", 3000) + " {token}"},
		"umlauts":     {`"Müller, Agentur" <support@acme.example>`, strings.Repeat("Grüße ", 25), "Grüße an {name}: {token}"},
		"pictures":    {"🔐 Acme <support@acme.example>", strings.Repeat("🔐", 150), "🔐 {token}"},
		"chinese":     {strings.Repeat("漢", 100) + " <support@acme.example>", "您的验证码 ({reference})", "您的验证码是 {token}。"},
		"dots":        {"support@acme.example", "Dots", ".\n..\n. {token}\n.\nFrom here on\n-- \nend"},
		"many-values": {"support@acme.example", strings.Repeat("{product} ", 15), strings.Repeat("{product}", 100) + " {token}"},
		"headers":     {"support@acme.example", "Re: Bcc: y@z.example Subject: {product}", "Subject: x\nBcc: y@z.example\n\n{token}"},
	} {
		k, _ := wording.Of("token")
		words, err := k.Read(countersign.Wording{Subject: c.subject, Body: c.body})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		agency := countersign.Agency{Name: "Acme Insurance", Product: strings.Repeat("Agency Integrator ", 5), URL: "https://login.acme.example"}
		to := name + "@acme.example"
		l, err := outbox.Render(agency, countersign.Preferences{TokenLife: countersign.TokenLife}, countersign.Message{ID: countersign.MessageID(name), Kind: countersign.MessageToken,
			Channel: countersign.ChannelEmail, To: to, Reference: "KX", Data: map[string]string{"Token": "344078", "Name": "Bob Smith", "UserID": "BSMITH"}}, c.from, words)
		if err != nil {
			t.Fatal(err)
		}
		l.DKIM = key
		if _, err := route(t, m.URL()).Send(t.Context(), l); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := m.Wait(t, to, 1)[0]
		raw := bytes.ReplaceAll(got.Raw, []byte("\n"), []byte("\r\n"))
		all, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(string) ([]string, error) { return []string{record}, nil }})
		if err != nil || len(all) != 1 || all[0].Err != nil {
			t.Errorf("%s: the signature is %+v, %v\n%s", name, all, err, got.Raw)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
		if err != nil || subject != l.Subject || len(got.Header["Bcc"]) > 0 || len(got.Header["Subject"]) != 1 {
			t.Errorf("%s: the subject is %q, want %q, %v", name, subject, l.Subject, err)
		}
		want, _ := mail.ParseAddress(c.from)
		if from, err := mail.ParseAddress(got.Header.Get("From")); err != nil || *from != *want || got.Sender != want.Address {
			t.Errorf("%s: it comes from %v and %s, %v", name, from, got.Sender, err)
		}
		if strings.TrimSpace(got.Text) != strings.TrimSpace(l.Text) {
			t.Errorf("%s: the text is %q, want %q", name, got.Text, l.Text)
		}
	}
}
