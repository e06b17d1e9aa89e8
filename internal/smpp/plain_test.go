package smpp_test

import (
	"testing"

	"countersign/internal/smpp"
)

// Names with curly quotes, dashes and accents don't need the larger alphabet; others stay
// unchanged.
func TestPlainer(t *testing.T) {
	for text, want := range map[string]string{
		"Smith\u2019s Agency":                     "Smith's Agency",
		"\u201cBest\u201d \u2013 Agency\u2026":    "\"Best\" - Agency...",
		"Andr\u00e9 Garc\u00eda, Fran\u00e7ois":   "Andr\u00e9 Garcia, Francois",
		"Ren\u0065\u0301 M\u00fcller & S\u00f8n":  "Ren\u00e9 M\u00fcller & S\u00f8n",
		"O\u00a0Neill\u200b \u0141\u00f3d\u017a":  "O Neill Lodz",
		"Acme\u00ae Insurance\u2122":              "Acme(R) InsuranceTM",
		"\u0421\u0442\u0440\u0430\u0445 \u2013 1": "\u0421\u0442\u0440\u0430\u0445 \u2013 1",
		"Acme \U0001f600":                         "Acme \U0001f600",
		"Acme {x} [y] ~ \u20ac":                   "Acme {x} [y] ~ \u20ac",
	} {
		if got := smpp.Plainer(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
