package factor

import (
	"strings"
	"testing"

	"golang.org/x/net/idna"
)

// An internationalized domain is shown in its own letters, unless it could be mistaken for
// another one. What is shown converts back to what was stored.
func TestReadable(t *testing.T) {
	for domain, readable := range map[string]bool{
		"bücher.example":        true,
		"mail.straße-öl.de":     true,
		"żółw.pl":               true,
		"пример.рф":             true,
		"почта.example":         true,
		"παράδειγμα.example":    true,
		"例え.jp":                 true,
		"사과.example":            true,
		"דוגמה.example":         true,
		"münchen.пример.рф":     true,
		"аcme.example":          false, // Cyrillic а among Latin letters
		"асе.example":           false, // all Cyrillic, and reads ace
		"хуе.example":           false,
		"acmeınsurance.example": false, // i without a dot
		"νικο.example":          false, // all Greek, and looks Latin
		"acmе.example":          false,
		"ɑcme.example":          false,
	} {
		ascii, err := idna.Lookup.ToASCII(domain)
		if err != nil {
			t.Fatalf("%s: %v", domain, err)
		}
		kept := "b@" + ascii
		want := "b@" + domain
		if !readable {
			want = kept
		}
		if got := Readable(kept); got != want {
			t.Errorf("%s is shown as %s, want %s", kept, got, want)
		}
		if back, err := ParseEmail(Readable(kept)); err != nil || back != kept {
			t.Errorf("what is shown of %s is read as %q %v", kept, back, err)
		}
	}
	for _, same := range []string{"", "b@acme.example", "+16145550112", "xn--bcher-kva.example", "b@xn--a", "b@xn--.example", "b@" + strings.Repeat("xn--", 9) + ".example"} {
		if got := Readable(same); got != same {
			t.Errorf("%q is shown as %q", same, got)
		}
	}
}
