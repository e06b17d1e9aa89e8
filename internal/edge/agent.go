package edge

import (
	"strings"

	"github.com/mileusna/useragent"
)

// maxUserAgent is how many bytes of a User-Agent header are read.
const maxUserAgent = 512

// Families returns the families, never versions, of the browser and operating system of a
// User-Agent, and its product token, which distinguishes clients of the family "Other".
// platform is Sec-CH-UA-Platform, which takes precedence (DV-02).
func Families(agent, platform string) (browser, os, product string) {
	if len(agent) > maxUserAgent {
		agent = agent[:maxUserAgent]
	}
	if len(platform) > maxUserAgent {
		platform = ""
	}
	agent = strings.ToValidUTF8(agent, "")
	product, _, _ = strings.Cut(strings.TrimSpace(agent), "/")
	if len(product) > 40 {
		product = product[:40]
	}
	product = strings.Map(printable, strings.ToValidUTF8(product, ""))
	return browserOf(agent), osOf(agent, platform), product
}

func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return -1
	}
	return r
}

// browserMarks are tested in this order: Edge and Opera also call themselves Chrome, and
// Chrome calls itself Safari.
var browserMarks = []struct{ mark, family string }{
	{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"}, {"Edge/", "Edge"},
	{"OPR/", "Opera"}, {"OPiOS/", "Opera"}, {"OPT/", "Opera"}, {"Opera", "Opera"},
	{"SamsungBrowser/", "Samsung Internet"},
	{"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"},
	{"Trident/", "Internet Explorer"}, {"MSIE ", "Internet Explorer"},
	{"CriOS/", "Chrome"}, {"HeadlessChrome/", "Chrome"}, {"Chrome/", "Chrome"}, {"Chromium/", "Chrome"},
}

func browserOf(agent string) string {
	if !strings.HasPrefix(agent, "Mozilla/") && !strings.HasPrefix(agent, "Opera/") {
		return "Other"
	}
	for _, b := range browserMarks {
		if strings.Contains(agent, b.mark) {
			return b.family
		}
	}
	if strings.Contains(agent, "Safari/") && strings.Contains(agent, "Version/") {
		return "Safari"
	}
	return "Other"
}

// osNames maps the names that the library and browsers use to the families.
var osNames = map[string]string{
	"Windows": "Windows", "macOS": "macOS", "iOS": "iOS", "iPadOS": "iPadOS", "Android": "Android",
	"Chrome OS": "ChromeOS", "ChromeOS": "ChromeOS", "Chromium OS": "ChromeOS", "CrOS": "ChromeOS", "Linux": "Linux",
}

func osOf(agent, platform string) string {
	if os, ok := osNames[strings.Trim(platform, `" `)]; ok {
		return os
	}
	switch {
	case strings.Contains(agent, "iPad"):
		return "iPadOS"
	case strings.Contains(agent, "CrOS"):
		return "ChromeOS"
	}
	if os, ok := osNames[useragent.Parse(agent).OS]; ok {
		return os
	}
	return "Other"
}
