package outbox

import (
	"strings"

	"github.com/wneessen/go-mail"

	"countersign"
	"countersign/internal/secret"
)

// signed are the headers that a signature covers, and sealed those that it
// covers once more, so that no second one can be added for people to read.
// Together they fit into one line: the library folds a longer list after it has
// signed it, and the signature would be wrong. TestDKIM would say so.
var (
	signed = []string{"From", "To", "Subject", "Date", "Message-ID", "Content-Type"}
	sealed = []string{"From", "To", "Subject", "Date"}
)

// oneTag is the longest tag of a signature that is not folded.
const oneTag = 70

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
	if len(l.DKIM.Domain) > oneTag {
		signer.HeaderCanonicalization(mail.CanonicalizationSimple) // folds nothing
	}
	signer.BodyCanonicalization(mail.CanonicalizationRelaxed)
	signer.SignHeaders(signed...)
	signer.OversignHeaders(sealed...)
	m.SetDKIM(signer)
	return nil
}

// DKIMRecord is the text of the record that publishes a key.
func DKIMRecord(k countersign.DKIMKey) (string, error) {
	public, err := secret.PublicOf(k.Private)
	return "v=DKIM1; k=rsa; p=" + public, err
}

// ZoneLine is a TXT record as a zone file holds it, in strings of 255 letters at most.
func ZoneLine(name, text string) string {
	var parts []string
	for len(text) > 200 {
		parts, text = append(parts, `"`+text[:200]+`"`), text[200:]
	}
	return name + ". TXT " + strings.Join(append(parts, `"`+text+`"`), " ")
}
