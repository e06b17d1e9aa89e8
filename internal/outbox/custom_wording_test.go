package outbox

import (
	"bytes"
	"mime"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/smpp"
	"countersign/internal/wording"
)

// own parses an agency's own wording of a message.
func own(t *testing.T, kind, subject, body string) wording.Texts {
	t.Helper()
	k, _ := wording.Of(kind)
	words, err := k.Read(countersign.Wording{Subject: subject, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return words
}

// The agency's wording is in both parts. A token at the end of its paragraph is shown large;
// the line before a link becomes the link's text.
func TestOwnWords(t *testing.T) {
	for _, c := range []struct {
		sample, kind, body string
		text, html         []string
	}{
		{"token", "token", "Code: {token}", []string{"Code: 344078\n\nReference KX. It works until 10:03 AM New York time."},
			[]string{`<p style="margin:0 0 16px">Code: <strong class="box"`, `344078</strong></p>`, `<strong>Reference KX. It works until`}},
		{"token", "token", "{token} ist dein Code ({reference}).\nGültig bis {expires}.", []string{"344078 ist dein Code (KX).\nGültig bis 10:03 AM New York time.\n\nIf you did not just sign in"},
			[]string{`<strong style="font-family:Consolas,Menlo,monospace;font-size:20px;letter-spacing:2px">344078</strong> ist dein Code (KX).<br>`}},
		{"token-consent", "token", "{token}", []string{"Enter it only if you want your tokens to go to bob@mail.example from now on.", "somebody knows your password"}, []string{"This mail asks for your consent"}},
		{"activation", "activation", "Hallo {name}\n\nZum Passwort:\n{link}\nBis {expires}.", []string{"Hallo Bob Smith\n\nZum Passwort:\nhttps://login.acme.example/welcome?link=5QzL0c7vXr2mYt8NwHb4Jd\nBis November 5"},
			[]string{`<h1 style="margin:0 0 16px;font-size:22px;line-height:28px">Hallo Bob Smith</h1>`, `<a class="link" href="https://login.acme.example/welcome?link=5QzL0c7vXr2mYt8NwHb4Jd" style="color:#1a56c4">Zum Passwort</a><br>`}},
		{"activation", "activation", "Go to {link} now.", []string{"Go to https://login.acme.example/welcome?link="}, []string{`style="color:#1a56c4;word-break:break-all">https://login.acme.example/welcome?link=`, "</a> now."}},
		{"password-reset", "password-reset", "{link}", []string{"The link works once, until", "If it was not you, do nothing"}, []string{"It does not sign you in"}},
		{"invitation", "invitation", "{by} bittet dich. {help}.", []string{"Ann Admin (ADMIN) bittet dich. Acme support desk, 614-555-0100."}, nil},
		{"token", "token", "<b> {token} </b> & {{more}}", []string{"<b> 344078 </b> & {more}"}, []string{"&lt;b&gt;", "&lt;/b&gt; &amp; {more}"}},
	} {
		l, err := Render(acme, help, samples()[c.sample], "support@acme.example", own(t, c.kind, "Own subject", c.body))
		if err != nil {
			t.Fatal(err)
		}
		if l.Subject != "Own subject" {
			t.Errorf("%s: subject %q", c.sample, l.Subject)
		}
		for _, says := range c.text {
			if !strings.Contains(l.Text, says) {
				t.Errorf("%s %q: the text lacks %q:\n%s", c.sample, c.body, says, l.Text)
			}
		}
		for _, says := range c.html {
			if !strings.Contains(l.HTML, says) {
				t.Errorf("%s %q: the HTML lacks %q:\n%s", c.sample, c.body, says, l.HTML)
			}
		}
	}
}

// Whatever names people and agencies have, they add no header, markup or paragraph to a custom
// wording (NT-02, WB-05).
func TestHostileValuesInOwnWords(t *testing.T) {
	hostile := countersign.Agency{Name: "A\r\nBcc: x@y.example", Product: "<img src=x>\n\nP {token}", URL: "https://login.acme.example"}
	m := samples()["token"]
	m.Data["Name"] = "{token}\r\n\r\n<script>"
	l, err := Render(hostile, countersign.Preferences{Help: "{token}"}, m, "x@acme.example", own(t, "token", "{product} {name} {agency}", "{product} {name} {help} {agency} {user_id} {token}"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(l.Subject, "\r\n") || strings.Contains(l.HTML, "<img") || strings.Contains(l.HTML, "<script") || strings.Contains(l.Text, "\nBcc") || strings.Count(l.Text, "344078") != 1 {
		t.Errorf("%q\n%s\n%s", l.Subject, l.Text, l.HTML)
	}
}

// NT-02: a name that looks like an encoded word is read as written, and does not put words
// into a subject that no page shows.
func TestANameIsNoEncodedWord(t *testing.T) {
	for _, name := range []string{"=?utf-8?q?A=0D=0ABcc:_x@y.example?=", "=?utf-8?b?QmNjOiB4?=", "=??utf-8?q?x?="} {
		m := samples()["token"]
		m.Data["Name"] = name
		l, err := Render(acme, help, m, "x@acme.example", own(t, "token", "For {name} ({reference})", "{token}"))
		if err != nil {
			t.Fatal(err)
		}
		mail, err := compose(l)
		if err != nil {
			t.Fatal(err)
		}
		raw := mail.GetGenHeader("Subject")
		if len(raw) != 1 {
			t.Fatalf("%q", raw)
		}
		read, err := new(mime.WordDecoder).DecodeHeader(raw[0])
		if want := "For " + name + " (KX)"; err != nil || strings.ReplaceAll(read, "\u200b", "") != want {
			t.Errorf("%q is read as %q, want %q", raw[0], read, want)
		}
	}
}

// A text message with a custom wording is shortened like the original one, and its last line
// is the origin's (SM-03).
func TestOwnTextMessage(t *testing.T) {
	agency := acme
	agency.Product = strings.Repeat("Agency Integrator ", 10)
	for _, body := range []string{"{product}: {token}", "{token} {product}\nzweite Zeile"} {
		l, err := Render(agency, help, samples()["token-sms"], "", own(t, "token-sms", "", body))
		if err != nil {
			t.Fatal(err)
		}
		if smpp.Parts(l.Text) != 1 || !strings.HasSuffix(l.Text, " Reference KX.\n@login.acme.example #344078") {
			t.Errorf("%d parts: %q", smpp.Parts(l.Text), l.Text)
		}
	}
}

// Header and envelope name the same sender, whatever its display name.
func TestSenderIsOne(t *testing.T) {
	for from, address := range map[string]string{
		`Agency Support <support@acme.example>`: "support@acme.example",
		`"Müller, Agentur" <post@acme.example>`: "post@acme.example",
		`Müller <post@xn--mller-kva.example>`:   "post@xn--mller-kva.example",
		`post@acme.example`:                     "post@acme.example",
		`"Help @ Acme" <post@acme.example>`:     "post@acme.example",
	} {
		m, err := compose(Outgoing{ID: "m1", From: from, To: "bsmith@acme.example", Subject: "Grüße", Text: "x", HTML: "x"})
		if err != nil {
			t.Fatalf("%s: %v", from, err)
		}
		envelope, err := m.GetSender(false)
		if err != nil || envelope != "<"+address+">" {
			t.Errorf("%s: the envelope is %q, %v", from, envelope, err)
		}
		var raw bytes.Buffer
		if _, err := m.WriteTo(&raw); err != nil {
			t.Fatal(err)
		}
		if header := m.GetFromString(); len(header) != 1 || !strings.HasSuffix(header[0], envelope) || strings.Count(raw.String(), "\nFrom: ") != 1 {
			t.Errorf("%s: the header is %q", from, header)
		}
		if _, domain, _ := strings.Cut(address, "@"); messageID(Outgoing{ID: "m1", From: from}) != "m1@"+domain || Domain(from) != domain {
			t.Errorf("%s: its domain is %q, the Message-ID %q", from, Domain(from), messageID(Outgoing{ID: "m1", From: from}))
		}
	}
}
