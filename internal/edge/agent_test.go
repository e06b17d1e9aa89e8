package edge

import (
	"slices"
	"strings"
	"testing"
)

// DV-02: real User-Agents are mapped to families of browsers and systems.
func TestFamilies(t *testing.T) {
	const (
		webkit = "AppleWebKit/537.36 (KHTML, like Gecko) "
		apple  = "AppleWebKit/605.1.15 (KHTML, like Gecko) "
		win    = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
		mac    = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
		linux  = "Mozilla/5.0 (X11; Linux x86_64) "
		droid  = "Mozilla/5.0 (Linux; Android 15; Pixel 9) "
		iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) "
		ipad   = "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) "
	)
	tests := []struct{ name, agent, platform, browser, os string }{
		{"Chrome on Windows", win + webkit + "Chrome/142.0.0.0 Safari/537.36", "", "Chrome", "Windows"},
		{"Chrome on Windows, newer", win + webkit + "Chrome/156.0.0.0 Safari/537.36", `"Windows"`, "Chrome", "Windows"},
		{"Chrome on macOS", mac + webkit + "Chrome/142.0.0.0 Safari/537.36", "", "Chrome", "macOS"},
		{"Chrome on Linux", linux + webkit + "Chrome/142.0.0.0 Safari/537.36", "", "Chrome", "Linux"},
		{"Chrome on a Chromebook", "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + webkit + "Chrome/142.0.0.0 Safari/537.36", "", "Chrome", "ChromeOS"},
		{"Chrome on an Android phone", droid + webkit + "Chrome/142.0.0.0 Mobile Safari/537.36", "", "Chrome", "Android"},
		{"Chrome on an Android tablet", "Mozilla/5.0 (Linux; Android 15; SM-X710) " + webkit + "Chrome/142.0.0.0 Safari/537.36", "", "Chrome", "Android"},
		{"Chrome on an iPhone", iphone + apple + "CriOS/142.0.0.0 Mobile/15E148 Safari/604.1", "", "Chrome", "iOS"},
		{"Chrome without a window", linux + webkit + "HeadlessChrome/156.0.0.0 Safari/537.36", "", "Chrome", "Linux"},
		{"a tablet that asks for the desktop page tells its system", linux + webkit + "Chrome/142.0.0.0 Safari/537.36", `"Android"`, "Chrome", "Android"},
		{"Edge on Windows", win + webkit + "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0", "", "Edge", "Windows"},
		{"Edge on Android", droid + webkit + "Chrome/142.0.0.0 Mobile Safari/537.36 EdgA/142.0.0.0", "", "Edge", "Android"},
		{"Edge on an iPhone", iphone + apple + "Version/18.0 EdgiOS/142.0.0.0 Mobile/15E148 Safari/604.1", "", "Edge", "iOS"},
		{"the first Edge", win + webkit + "Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763", "", "Edge", "Windows"},
		{"Opera", win + webkit + "Chrome/142.0.0.0 Safari/537.36 OPR/120.0.0.0", "", "Opera", "Windows"},
		{"Samsung Internet", droid + webkit + "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36", "", "Samsung Internet", "Android"},
		{"Firefox on Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", "", "Firefox", "Windows"},
		{"Firefox on Linux", "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "", "Firefox", "Linux"},
		{"Firefox on an iPhone", iphone + apple + "FxiOS/145.0 Mobile/15E148 Safari/605.1.15", "", "Firefox", "iOS"},
		{"Safari on a Mac", mac + apple + "Version/18.1 Safari/605.1.15", "", "Safari", "macOS"},
		{"Safari on an iPhone", iphone + apple + "Version/18.1 Mobile/15E148 Safari/604.1", "", "Safari", "iOS"},
		{"Safari on an iPad", ipad + apple + "Version/18.1 Mobile/15E148 Safari/604.1", "", "Safari", "iPadOS"},
		{"Internet Explorer 11", "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", "", "Internet Explorer", "Windows"},
		{"Internet Explorer 9", "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)", "", "Internet Explorer", "Windows"},
		{"curl", "curl/8.5.0", "", "Other", "Other"},
		{"a name inside of another name", "NotChrome/1.0 Chrome/142.0", "", "Other", "Other"},
		{"nothing", "", "", "Other", "Other"},
		{"a platform that is none", win + webkit + "Chrome/142.0.0.0 Safari/537.36", `"TempleOS"`, "Chrome", "Windows"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			browser, os, _ := Families(tt.agent, tt.platform)
			if browser != tt.browser || os != tt.os {
				t.Errorf("got %s on %s, want %s on %s", browser, os, tt.browser, tt.os)
			}
		})
	}
}

// DV-02: clients of the family "Other" are equal only with the same product token.
func TestProductToken(t *testing.T) {
	for agent, want := range map[string]string{"curl/8.5.0": "curl", "  Lynx/2.9 libwww": "Lynx", "x\r\ny/1": "xy", "": "", strings.Repeat("a", 600): strings.Repeat("a", 40)} {
		if _, _, got := Families(agent, ""); got != want {
			t.Errorf("%.20q: product %q, want %q", agent, got, want)
		}
	}
}

// Whatever a User-Agent contains, its families are known ones, and its product is short
// printable text.
func FuzzFamilies(f *testing.F) {
	f.Add("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", `"Windows"`)
	f.Add("Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) Version/18.1 Safari/604.1", "")
	f.Add("curl/8.5.0\x1b[31m", "\xff")
	browsers := []string{"Edge", "Chrome", "Firefox", "Safari", "Opera", "Samsung Internet", "Internet Explorer", "Other"}
	systems := []string{"Windows", "macOS", "iOS", "iPadOS", "Android", "ChromeOS", "Linux", "Other"}
	f.Fuzz(func(t *testing.T, agent, platform string) {
		browser, os, product := Families(agent, platform)
		if !slices.Contains(browsers, browser) || !slices.Contains(systems, os) {
			t.Errorf("%q, %q: %s on %s", agent, platform, browser, os)
		}
		if len(product) > 40 || strings.ContainsFunc(product, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q: product %q", agent, product)
		}
	})
}
