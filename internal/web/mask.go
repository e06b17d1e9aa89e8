package web

import (
	"strings"
	"unicode/utf8"

	"countersign"
)

// masked is an address as it is shown before the second factor: the first
// letter and the domain, or the last two digits.
func masked(m countersign.Method, address string) string {
	if m == countersign.SMS {
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

// dialled is a number as its owner writes it: 614-555-0112.
func dialled(number string) string {
	if strings.HasPrefix(number, "+1") && len(number) == 12 {
		return number[2:5] + "-" + number[5:8] + "-" + number[8:]
	}
	return number
}

// methodName is what the pages call a method.
func methodName(m countersign.Method) string {
	switch m {
	case countersign.App:
		return "Authenticator"
	case countersign.SMS:
		return "SMS"
	case countersign.Recovery:
		return "Recovery code"
	case countersign.ByPasskey:
		return "Passkey"
	default:
		return "Email"
	}
}
