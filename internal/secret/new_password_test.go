package secret

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"countersign"
)

// PW-03: from the agency's minimum to 256 code points, counted as people see them.
func TestLengthOfNewPasswords(t *testing.T) {
	t.Parallel()
	letters := strings.Repeat("quite a long sentence of no meaning, ", 10)
	for _, test := range []struct {
		name     string
		password string
		shortest int
		want     string
	}{
		{"7 of 8", letters[:7], 8, "password.short"},
		{"8 of 8", letters[:8], 8, ""},
		{"14 of 15", letters[:14], 15, "password.short"},
		{"15 of 15", letters[:15], 15, ""},
		{"63 of 64", letters[:63], 64, "password.short"},
		{"64 of 64", letters[:64], 64, ""},
		{"256", letters[:256], 15, ""},
		{"257", letters[:257], 15, "password.long"},
		{"a megabyte", strings.Repeat(letters, 3000), 15, "password.long"},
		{"nothing", "", 8, "password.short"},
		{"15 emoji", "🦉🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵🐔🐧🐦🐤", 15, ""},
		{"14 emoji of four bytes", "🦉🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵🐔🐧🐦", 15, "password.short"},
		{"8 decomposed", "e\u0301a\u0300o\u0302u\u0308e\u0301i\u0302n\u0303c\u0327", 8, ""},
		{"7 decomposed are no 14", "e\u0301a\u0300o\u0302u\u0308e\u0301i\u0302n\u0303", 8, "password.short"},
		{"256 decomposed", strings.Repeat("e\u0301a\u0300o\u0302u\u0308", 64), 15, ""},
		{"257 decomposed", strings.Repeat("e\u0301a\u0300o\u0302u\u0308", 64) + "e\u0301", 15, "password.long"},
	} {
		err := CheckNew(test.password, test.shortest, "BSMITH", "b@acme.example", "Acme", "Agency Integrator")
		if got := countersign.CodeOf(err); got != test.want || (err == nil) != (test.want == "") {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func TestRefusalSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		password string
		want     countersign.Error
	}{
		{"short one", countersign.Error{Code: "password.short", Args: countersign.Args{"Length": 9, "Min": 15}}},
		{strings.Repeat("x", 300), countersign.Error{Code: "password.long", Args: countersign.Args{"Length": 300, "Max": 256}}},
		{"bsmith-bsmith-2026", countersign.Error{Code: "password.common", Args: countersign.Args{"Why": "is a form of your user ID"}}},
	} {
		test.want.Kind, test.want.Field = countersign.KindInvalid, "new_password"
		var got *countersign.Error
		if err := CheckNew(test.password, 15, "BSMITH", "", "", ""); !errors.As(err, &got) {
			t.Fatalf("%q: %v", test.password, err)
		}
		if diff := cmp.Diff(&test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.password, diff)
		}
	}
}

// PW-04: a form of the user ID, the address, the agency or the product is refused with the
// reason.
func TestPasswordsThatEverybodyWouldTry(t *testing.T) {
	t.Parallel()
	const id, mail, agency, product = "user ID", "email address", "agency", "product"
	for password, want := range map[string]string{
		"bsmith2026":                    id,
		"BSMITH!!":                      id,
		"2026bsmith":                    id,
		"B5m1th!!":                      id, // 5 for S, 1 for I
		"b$m!th99":                      id,
		"bsm1th123":                     id,
		"bsmithbsmith":                  id,
		"b-s-m-i-t-h":                   id,
		"bob.smith1":                    mail,
		"b0b.5m1th":                     mail,
		"smithbob99":                    mail,
		"bob.smith@brokers.example":     mail,
		"Acme2026!":                     agency,
		"acme acme acme":                agency,
		"@cme2026!":                     agency,
		"4cme2026!":                     agency,
		"2026-acm3":                     agency,
		"acmeinsurance":                 agency,
		"Insurance-Acme-2026!":          agency,
		"1nsur4nce2026":                 agency,
		"AgencyIntegrator1":             product,
		"4gency 1ntegr4tor":             product,
		"integrator2026!!":              product,
		"acme is a fine place to work":  "",
		"a smith forges horseshoes":     "",
		"my insurance is too expensive": "",
		"correct horse battery":         "",
		"20262026 9183":                 "",
		"the agency next door":          "",
		"bcdefghsmi":                    "",
	} {
		err := CheckNew(password, 8, "BSMITH", "bob.smith@brokers.example", "Acme Insurance", "Agency Integrator")
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", password, err)
		case want != "" && countersign.CodeOf(err) != "password.common":
			t.Errorf("%q: %v, want password.common", password, err)
		case want != "":
			var refusal *countersign.Error
			errors.As(err, &refusal)
			if why, _ := refusal.Args["Why"].(string); !strings.Contains(why, want) {
				t.Errorf("%q %s, want a form of the %s", password, why, want)
			}
		}
	}
}

func TestNamesThatSayNothingRefuseNothing(t *testing.T) {
	t.Parallel()
	for _, names := range [][4]string{{}, {"AB", "a@b.c", "X", "Y"}, {"-", "@", "...", "&"}, {"J", "", "A 1", "66"}} {
		for _, password := range []string{"correct horse battery", "ab ab ab ab 66 a1", "a quiet 66 on the road"} {
			if err := CheckNew(password, 8, names[0], names[1], names[2], names[3]); err != nil {
				t.Errorf("%q with %q: %v", password, names, err)
			}
		}
	}
}

func TestPasswordsOfThreeCharacters(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]string{
		"aaaaaaaaaaaaaaa": "password.common",
		"ababababababab1": "password.common",
		"abcdabcdabcdabc": "password.common", // a repeated run
		"kx7bkx7bkx7bkx7": "",
	} {
		if got := countersign.CodeOf(CheckNew(password, 15, "", "", "", "")); got != want {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
	}
}
