package web

import (
	"bytes"
	"html/template"
	"regexp"
	"strings"
	"unicode/utf8"

	"countersign"
	"countersign/internal/factor"
)

// masked is an address as it is shown before the second factor: the first
// letter and the domain, or the last two digits.
func masked(m countersign.Method, address string) string {
	if m == countersign.MethodSMS {
		if len(address) < 2 {
			return "your number"
		}
		return "the number ending " + address[len(address)-2:]
	}
	local, domain, ok := strings.Cut(address, "@")
	if !ok {
		return address
	}
	_, size := utf8.DecodeRuneInString(local)
	return local[:size] + "•••@" + domain
}

// international finds addresses whose domain is kept as punycode, and before them
// what has to stay as it is: addresses of pages, and user IDs in fields.
var international = regexp.MustCompile(`(?:href|action)="[^"]*"|<input[^>]*name="user_id"[^>]*>|@(?:[a-z0-9-]+\.)*xn--[a-z0-9.-]*[a-z0-9]`)

// displayAddresses is a page with the domains of addresses in their own letters. It works
// on the whole page, so that no place is forgotten; letters need no escaping.
func displayAddresses(page []byte) []byte {
	if !bytes.Contains(page, []byte("xn--")) {
		return page
	}
	return international.ReplaceAllFunc(page, func(found []byte) []byte {
		if found[0] != '@' {
			return found
		}
		return []byte(factor.Readable(string(found)))
	})
}

// formatted is a number as people write it and as pages show it; a user ID may
// hold digits and signs too.
var formatted = regexp.MustCompile(`^\s*(?:\+[\d\s().-]{7,}|(?:1[\s.-]?)?\(?\d{3}\)?[\s.-]?\d{3}[\s.-]?\d{4})\s*$`)

// searchTerm is what a search looks for: an address or number as it is kept.
func searchTerm(typed string) string {
	typed = countersign.CleanID(typed)
	if formatted.MatchString(typed) {
		return strings.Map(func(r rune) rune {
			if r == '+' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, typed)
	}
	if address, err := factor.ParseEmail(typed); err == nil && strings.Contains(address, "xn--") {
		return address
	}
	return typed
}

// formatPhone is a number as its owner writes it: 614-555-0112.
func formatPhone(number string) string {
	if strings.HasPrefix(number, "+1") && len(number) == 12 {
		return number[2:5] + "-" + number[5:8] + "-" + number[8:]
	}
	return number
}

// methodName is what the pages call a method.
func methodName(m countersign.Method) string {
	switch m {
	case countersign.MethodApp:
		return "Authenticator"
	case countersign.MethodSMS:
		return "SMS"
	case countersign.MethodRecovery:
		return "Recovery code"
	case countersign.MethodPasskey:
		return "Passkey"
	default:
		return "Email"
	}
}

// unbroken keeps phone numbers and names of settings in a text on one line.
func unbroken(text string) template.HTML {
	var b strings.Builder
	for _, piece := range countersign.Pieces(text) {
		escaped := template.HTMLEscapeString(piece.Text)
		if piece.Whole {
			escaped = `<span class="nowrap">` + escaped + `</span>`
		}
		b.WriteString(escaped)
	}
	return template.HTML(b.String()) // #nosec G203 -- escaped above
}
