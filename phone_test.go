package countersign_test

import (
	"slices"
	"testing"

	"countersign"
)

func TestPhoneNumbersAndSettingsStayWhole(t *testing.T) {
	for text, want := range map[string][]string{
		"Acme support desk, 614-555-0100":                 {"614-555-0100"},
		"Call (614) 555-0100 or +44 20 7946 0018.":        {"(614) 555-0100", "+44 20 7946 0018"},
		"Start the server with --smtp-url and --tls.":     {"--smtp-url", "--tls"},
		"Your token is: 344078, until 10:02 AM. <b>1</b>": nil,
		"bob@xn--bcher-kva.example":                       nil,
		"":                                                nil,
	} {
		var whole []string
		joined := ""
		for _, piece := range countersign.Pieces(text) {
			joined += piece.Text
			if piece.Whole {
				whole = append(whole, piece.Text)
			}
		}
		if !slices.Equal(whole, want) || joined != text {
			t.Errorf("%q: %q whole, want %q; together %q", text, whole, want, joined)
		}
	}
}
