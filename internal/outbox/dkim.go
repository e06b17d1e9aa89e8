package outbox

import (
	"strings"

	"github.com/wneessen/go-mail"

	"countersign"
	"countersign/internal/secret"
)

// signed are the headers that a signature covers. sealed are covered twice, so that no second
// one can be added that mail programs would show. Together they fit into one line: the library
// folds a longer list after signing, which breaks the signature. TestDKIM would fail.
var (
	signed = []string{"From", "To", "Subject", "Date", "Message-ID", "Content-Type"}
	sealed = []string{"From", "To", "Subject", "Date"}
)

// maxUnfoldedDomain is the longest domain whose signature tag is not folded.
const maxUnfoldedDomain = 70

// sign signs a mail with the agency's key for the sender's domain, if it has one.
func sign(m *mail.Msg, l Outgoing) error {
	if len(l.DKIM.Private) == 0 || !strings.EqualFold(l.DKIM.Domain, Domain(l.From)) {
		return nil
	}
	key, err := mail.PrivKeyFromPEM(l.DKIM.Private)
	if err != nil {
		return err
	}
	signer := mail.NewDKIMSigner(l.DKIM.Domain, l.DKIM.Selector, key)
	signer.HeaderCanonicalization(mail.CanonicalizationRelaxed)
	if len(l.DKIM.Domain) > maxUnfoldedDomain {
		signer.HeaderCanonicalization(mail.CanonicalizationSimple) // folds nothing
	}
	signer.BodyCanonicalization(mail.CanonicalizationRelaxed)
	signer.SignHeaders(signed...)
	signer.OversignHeaders(sealed...)
	m.SetDKIM(signer)
	return nil
}

// DKIMRecord returns the text of the DNS record that publishes a key.
func DKIMRecord(k countersign.DKIMKey) (string, error) {
	public, err := secret.PublicOf(k.Private)
	return "v=DKIM1; k=rsa; p=" + public, err
}

// ZoneLine returns a TXT record for a zone file, split into strings of at most 200 characters;
// the limit is 255.
func ZoneLine(name, text string) string {
	var parts []string
	for len(text) > 200 {
		parts, text = append(parts, `"`+text[:200]+`"`), text[200:]
	}
	return name + ". TXT " + strings.Join(append(parts, `"`+text+`"`), " ")
}
