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

// masked returns an address as shown before the second factor: the first letter and the domain, or
// the last two digits.
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

// international matches addresses with a punycode domain, and before them what must not change:
// page addresses, and user IDs in fields.
var international = regexp.MustCompile(`(?:href|action)="[^"]*"|<input[^>]*name="user_id"[^>]*>|@(?:[a-z0-9-]+\.)*xn--[a-z0-9.-]*[a-z0-9]`)

// displayAddresses shows the punycode domains of a page in Unicode. It works on the whole page, so
// that no place is missed. Letters need no escaping.
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

// formatted matches a phone number as people write it and as pages show it. A user ID may contain
// digits and signs too.
var formatted = regexp.MustCompile(`^\s*(?:\+[\d\s().-]{7,}|(?:1[\s.-]?)?\(?\d{3}\)?[\s.-]?\d{3}[\s.-]?\d{4})\s*$`)

// searchTerm normalizes a search term: addresses and numbers as they are stored.
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

// formatPhone formats a phone number as its owner writes it: 614-555-0112.
func formatPhone(number string) string {
	if strings.HasPrefix(number, "+1") && len(number) == 12 {
		return number[2:5] + "-" + number[5:8] + "-" + number[8:]
	}
	return number
}

// methodName returns the name of a method on pages.
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

// unbroken keeps phone numbers and names of settings in a text from wrapping.
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
