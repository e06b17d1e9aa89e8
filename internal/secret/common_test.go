package secret

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"countersign"
)

// PW-04: the bundled list has at least 10,000 passwords that the minimum length allows.
func TestCommonList(t *testing.T) {
	t.Parallel()
	long := 0
	for word := range common().places {
		if word == "" || word != strings.ToLower(word) || strings.TrimSpace(word) != word {
			t.Errorf("%q is not in the form of the list", word)
		}
		if utf8.RuneCountInString(word) >= 8 {
			long++
		}
	}
	if long < 20_000 || len(common().places) < 50_000 {
		t.Errorf("%d passwords, %d of them of 8 characters or more", len(common().places), long)
	}
}

// PW-04: the top 3,000, in any case, are refused with the reason, for any minimum length;
// so is one of them repeated.
func TestTop3000(t *testing.T) {
	t.Parallel()
	lines := strings.Split(commonText(), "\n")
	if len(lines) < 3000 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, word := range lines[:3000] {
		for _, form := range []string{word, strings.ToUpper(word), strings.ToUpper(word[:1]) + word[1:]} {
			err := CheckNew(form, 1, "BSMITH", "b@acme.example", "Acme Insurance", "Agency Integrator")
			if countersign.CodeOf(err) != "password.common" {
				t.Errorf("%q: %v", form, err)
			}
			want := map[bool]string{true: "password.short", false: "password.common"}[utf8.RuneCountInString(form) < 8]
			if err := CheckNew(form, 8, "BSMITH", "b@acme.example", "Acme Insurance", "Agency Integrator"); countersign.CodeOf(err) != want {
				t.Errorf("%q at 8: %v, want %s", form, err, want)
			}
		}
	}
	for password, want := range map[string]string{
		"passwordpassword":              mostUsed,
		"PasswordPassword":              mostUsed,
		"dragondragondragon":            mostUsed,
		"1q2w3e4r5t6y7u8i9o0p":          mostUsed,
		"passwordpasswort":              madeOfMostUsed,
		"the password of my dragon":     "",
		"correct horse battery staple":  "",
		"password, but not the one you": "",
	} {
		err := CheckNew(password, 15, "BSMITH", "b@acme.example", "Acme Insurance", "Agency Integrator")
		var refusal *countersign.Error
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", password, err)
		case want != "" && (!errors.As(err, &refusal) || refusal.Args["Why"] != want):
			t.Errorf("%q: %v", password, err)
		}
	}
}

// PW-04: "<agency>2026!" is refused for every agency.
func TestAgencyAndYear(t *testing.T) {
	t.Parallel()
	for _, agency := range []string{"Acme Insurance", "Demo Agency", "Smith & Sons", "Müller Versicherungen", "ABC"} {
		word, _, _ := strings.Cut(agency, " ")
		for _, password := range []string{word + "2026!", word + "2026!!!!!!!!!!!!", strings.ReplaceAll(agency, " ", "") + "2026!", agency + " 2026"} {
			if err := CheckNew(password, 6, "BSMITH", "b@x.example", agency, "Agency Integrator"); countersign.CodeOf(err) != "password.common" {
				t.Errorf("%q at %s: %v", password, agency, err)
			}
		}
	}
}

// The error for a password that is too short and hides a common one says both; for one that
// is only too short it says only that. Neither check takes long for any input.
func TestShortAndGuessed(t *testing.T) {
	t.Parallel()
	p := NewPasswordsAt(Cost{Memory: 64, Iterations: 1})
	for password, want := range map[string]string{
		"Summer2026!":           "password.short_guessed",
		"!!dragon!!":            "password.short_guessed",
		"P4ssw0rd!!":            "password.short_guessed",
		"qwertyuiop12":          "password.short_guessed",
		"hQ8$kw9!zLp2":          "password.short",
		"12 34 56 78":           "password.short",
		"abc":                   "password.short",
		"":                      "password.short",
		"correct horse battery": "",
	} {
		if got := countersign.CodeOf(p.CheckNew(password, 15, "CBILLS", "carol@acme.example", "Acme", "Agency Integrator")); got != want {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
	}
	if got := countersign.CodeOf(p.CheckNew(strings.Repeat("1l!4@5$0o", 7), 64, "", "", "", "")); got != "password.short" {
		t.Errorf("63 characters of disguises: %q", got)
	}
}
