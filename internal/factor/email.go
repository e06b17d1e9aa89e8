package factor

import (
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"countersign"
	"countersign/internal/secret"
)

// Email returns the method that sends a token by mail; every user has it (M13).
func Email(key secret.Key) Method { return email{sent{key}} }

type email struct{ sent }

func (email) Kind() countersign.Method { return countersign.MethodEmail }

func (email) Enroll(in Input) (countersign.Factor, error) {
	address, err := ParseEmail(in.Address)
	return countersign.Factor{Method: countersign.MethodEmail, Address: address}, err
}

func (e email) Ask(f countersign.Factor, in Binding, now time.Time, life time.Duration) (countersign.Challenge, *Dispatch) {
	return e.ask(countersign.ChannelEmail, f, in, now, life)
}

func (e email) Check(f countersign.Factor, c countersign.Challenge, in Binding, token string, now time.Time) (countersign.Factor, error) {
	return e.check(f, c, in, token, now)
}

// ParseEmail returns an address in the form that is stored: the domain in lower case
// and as punycode, the local part as it was typed, without the invisible characters
// that pasted text brings along. Compare addresses with countersign.SameEmail. For
// anything else it returns an error for the field email.
func ParseEmail(typed string) (string, error) {
	address := pastedAddress(countersign.CleanID(typed))
	refuse := func(code string) (string, error) {
		return "", &countersign.Error{Kind: countersign.KindInvalid, Code: code, Field: "email", Args: countersign.Args{"Value": typed}}
	}
	at := strings.LastIndexByte(address, '@')
	switch {
	case address == "":
		return refuse("email.required")
	case at < 0 || at == len(address)-1:
		return refuse("email.no_domain")
	case strings.Contains(address[:at], `"`):
		return refuse("email.quoted")
	case len(address) > 254 || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return refuse("email.not_address")
	}
	local, domain := address[:at], strings.TrimSuffix(address[at+1:], ".")
	if i := strings.IndexFunc(local, func(r rune) bool { return r > 0x7e && unicode.IsLetter(r) }); i >= 0 {
		r, _ := utf8.DecodeRuneInString(local[i:])
		return "", &countersign.Error{Kind: countersign.KindInvalid, Code: "email.letters", Field: "email", Args: countersign.Args{"Value": typed, "Character": countersign.Character(r)}}
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !plausibleDomain(ascii) || !plausibleLocal(local) {
		return refuse("email.not_address")
	}
	whole := local + "@" + ascii
	if a, err := mail.ParseAddress(whole); err != nil || a.Name != "" || a.Address != whole {
		return refuse("email.not_address")
	}
	return whole, nil
}

// plausibleDomain requires two labels at least: mail to a bare name would stay on
// the server's own network.
func plausibleDomain(domain string) bool {
	labels := strings.Split(domain, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 {
			return false
		}
	}
	return len(labels) > 1
}

// plausibleLocal rejects quoted local parts and characters beyond ASCII: few servers
// accept them, and hardly anyone needs them.
func plausibleLocal(local string) bool {
	return local != "" && len(local) <= 64 && !strings.ContainsFunc(local, func(r rune) bool { return r > 0x7e || strings.ContainsRune(`"(),:;<>[\]`, r) })
}

// pastedAddress returns the address in what people paste: <bob@acme.example>,
// mailto:bob@acme.example, one with a mark after it, or one with a spreadsheet's
// apostrophe before it.
func pastedAddress(text string) string {
	if len(text) > 7 && strings.EqualFold(text[:7], "mailto:") {
		text = text[7:]
	}
	text = strings.TrimRight(text, ",;")
	if inner, ok := strings.CutPrefix(text, "<"); ok {
		text = strings.TrimSuffix(inner, ">")
	}
	return strings.TrimPrefix(text, "'")
}
