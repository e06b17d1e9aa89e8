package outbox

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"countersign"
	"countersign/internal/smpp"
	"countersign/internal/wording"
)

// names are of any characters that names and pasted texts contain.
var names = rapid.OneOf(
	rapid.StringN(0, 80, 320),
	rapid.StringOfN(rapid.RuneFrom([]rune("Agency Smith\u2019s \u201cBest\u201d \u2013\u2014 \u00e9\u00e2\u00e7\u0142\u0151\u00f1 & Co.\u00a0\u200b\u2026[]{}~^|\u20ac")), 0, 90, -1),
	rapid.StringOfN(rapid.RuneFrom([]rune("\u0421\u0442\u0440\u0430\u0445 \u4fdd\u967a \U0001f600 Acme")), 0, 90, -1),
)

var hosts = rapid.StringMatching(`[a-z]([a-z0-9-]{0,50}[a-z0-9])?(\.[a-z]{2,20}){1,8}`)

// SM-02: a text message with a token is one message, paid for once, whatever agency, product,
// host and wording are; it always contains token and reference.
func TestATokenIsOneText(t *testing.T) {
	kind, ok := wording.Of("token-sms")
	if !ok {
		t.Fatal("there is no such message")
	}
	bodies := []string{kind.Body, "{product}: {token}", "{agency} {product} {token} {reference} {expires} {life}", "\u0422\u043e\u043a\u0435\u043d {token} {agency}", strings.Repeat("Hello ", 60) + "{token}"}
	rapid.Check(t, func(t *rapid.T) {
		a := acme
		a.Name, a.Product = names.Draw(t, "agency"), names.Draw(t, "product")
		a.URL = "https://" + hosts.Draw(t, "host")
		words, err := kind.Read(countersign.Wording{Body: rapid.SampledFrom(bodies).Draw(t, "body")})
		if err != nil {
			return // refused, so no message has this wording
		}
		for _, m := range []countersign.Message{samples()["token-sms"], {Kind: countersign.MessageTest, Channel: countersign.ChannelSMS}} {
			for _, w := range []wording.Texts{{}, words} {
				l, err := Render(a, help, m, "", w)
				if err != nil {
					t.Fatal(err)
				}
				if smpp.Parts(l.Text) != 1 {
					t.Fatalf("%d messages: %q", smpp.Parts(l.Text), l.Text)
				}
				if token := m.Data["Token"]; !strings.Contains(l.Text, token) || !strings.Contains(l.Text, m.Reference) {
					t.Fatalf("token or reference is missing: %q", l.Text)
				}
			}
		}
	})
}

// SM-03: usual names keep their characters, and the origin stays.
func TestATextKeepsItsName(t *testing.T) {
	for name, want := range map[string]string{
		"Smith\u2019s Agency \u2013 Ren\u00e9 & Fran\u00e7ois": "Your Smith's Agency - Ren\u00e9 & Francois token is 344078. Reference KX.\n@login.acme.example #344078",
		"\u4fdd\u967a": "Your \u4fdd\u967a token is 344078. Reference KX.\n@login.acme.example #344078",
	} {
		a := acme
		a.Product = name
		l, err := Render(a, help, samples()["token-sms"], "", wording.Texts{})
		if err != nil || l.Text != want {
			t.Errorf("%q: %q, %v", name, l.Text, err)
		}
	}
}
