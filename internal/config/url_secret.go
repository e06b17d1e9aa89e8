package config

import (
	"fmt"
	"net/url"
	"strings"
)

// CheckURL returns an error for a setting whose user name or password has a character
// with another meaning in URLs. The error says how to write that character, and
// reveals nothing else of the password.
func CheckURL(setting, raw string) error {
	if sign := misread(raw); sign != "" {
		name := fmt.Sprintf("%q", sign)
		if sign == " " {
			name = "a space"
		}
		return &Error{Setting: setting, Problem: fmt.Sprintf("the user name or password has %s, which means something else in a URL; write it as %s "+
			"(and # %% / ? and spaces as %%23 %%25 %%2F %%3F %%20)", name, encoded(sign))}
	}
	return nil
}

func encoded(sign string) string {
	if sign == " " {
		return "%20"
	}
	if all := url.QueryEscape(sign); all != sign {
		return all
	}
	return fmt.Sprintf("%%%02X", sign[0])
}

// misread returns the first character of a user name or password that a URL can't hold
// unescaped; empty if there is none. Webhooks have their secrets in the query.
func misread(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || strings.HasPrefix(scheme, "webhook") {
		return ""
	}
	last := strings.LastIndexByte(rest, '@')
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	if last > end {
		tail := rest[end:last]
		query := strings.IndexByte(tail, '?')
		if tail[0] == '#' || query < 0 || !strings.Contains(tail[query:], "=") {
			return tail[:1]
		}
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 {
		return ""
	}
	return unwritten(rest[:at])
}

// unwritten returns the first character of a user name and password that has to be
// written as %XX and is not.
func unwritten(info string) string {
	for i, r := range info {
		switch {
		case r == '%':
			if i+2 >= len(info) || !isHex(info[i+1]) || !isHex(info[i+2]) {
				return "%"
			}
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("-._:~!$&'()*+,;=@", r):
		default:
			return string(r)
		}
	}
	return ""
}

func isHex(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F'
}
