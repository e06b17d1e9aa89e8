package secret

import (
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/go-crypt/crypt/algorithm/shacrypt"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"countersign"
)

// vectors are hashes of "correct horse battery staple" made by other programs.
var vectors = map[string]string{
	"openssl passwd -5":                    `$5$somesalt$FMNuRcg9/.TSpJIzSAuNFh/qakXJTzCYvL6.nWgffF.`,
	"openssl passwd -6":                    `$6$somesalt$ScN7Q7S.9zUrGalXS2/STR7AAq4WByYsynBR6AoMY3Rus82zRGY2LXCOrNKda.N09mpIDord9DH/Kop1/Ko1t.`,
	"htpasswd -B":                          `$2y$05$C8t3Yn13CnyaVLQTyIocAeBtsR9V.b846YUQpX7wJNRdva4cCGVbK`,
	"htpasswd -B -C 10":                    `$2y$10$lDTZodBhOl9/twy9hWlndeoJMvONV6Gk1P4SH5uHqQnZ.l6BEO89m`,
	"htpasswd -5":                          `$6$binTbVqE1UxRUHn4$H6EDuuZqfSoA3r9g08C1c5jccDU0dkkcMe7yQxlXoLyJxqID54BiHXs4Zw20X2wfQBmXyx4UL7XDcsDEL813n/`,
	"crypt(3), bcrypt 2b":                  `$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS`,
	"crypt(3), bcrypt 2a":                  `$2a$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS`,
	"passlib pbkdf2_sha1":                  `$pbkdf2$1000$c29tZXNhbHRzb21lc2FsdA$xiyANeGLsyMSyaOnlmzZPFiWnFc`,
	"passlib pbkdf2_sha256":                `$pbkdf2-sha256$29000$c29tZXNhbHRzb21lc2FsdA$Ibbz5kP.CRkoP9UDeUW7dOckQGzqBQhH74B1ARoyTF8`,
	"passlib pbkdf2_sha512":                `$pbkdf2-sha512$25000$c29tZXNhbHRzb21lc2FsdA$fmGfaZG78w8YnOMu59p.dH0/uq/FE8HZ3YCvTcURomYLrwF6aVO5HDeRRwXy3P6.zOlv0twq8dzlewEp4Yw8hg`,
	"passlib scrypt":                       `$scrypt$ln=10,r=8,p=1$c29tZXNhbHRzb21lc2FsdA$Q2qWcaZ4TC2DGtuHvT6+nv/h/ioCTuEZCr63YBCDWu4`,
	"passlib django_pbkdf2_sha256":         `pbkdf2_sha256$26000$somesalt1234$J9JU/YcA3HVOgA9OVnkDkFQhyrrtlE46f+j07/9oDac=`,
	"passlib sha512_crypt with rounds":     `$6$rounds=1500$saltstring$I7gtrsx5Lsxk.J.BqfedZ/rQgBp9kK3y/LIcOnqYNeKSg33FRsTVx53wMK1dXMKBD4T6/0V5z4gOY2JPGdE0j/`,
	"passlib sha256_crypt with rounds":     `$5$rounds=1500$saltstring$nrkA96irQTEBujqaWh4mS0mvtwxWnyJ0eKqyynm9Id2`,
	"passlib sha256_crypt in a directory":  `{CRYPT}$5$rounds=1500$saltstring$nrkA96irQTEBujqaWh4mS0mvtwxWnyJ0eKqyynm9Id2`,
	"passlib ldap_salted_sha1":             `{SSHA}CUv+Eh4JWOIiJUvemD/Sgb/i88UnROj9`,
	"hashlib {SSHA256}":                    `{SSHA256}1SzZWYaqJBhPNCz/fyu2xuxOTeQxhSJUzBM+AaDD0044Ynl0ZXNhbA==`,
	"hashlib {SSHA512}":                    `{SSHA512}EAO9oLVliMpq1D9BlS0VdAY/l7cquVS5T9dMadD0PyBHTy6D4+NU3CH5Or13qvkjwwqLZDDvPC3EbL2oE3RvsDhieXRlc2Fs`,
	"hashlib ASP.NET Identity v3, SHA-1":   `AQAAAAAAAAPoAAAAEDAxMjM0NTY3ODlhYmNkZWbCYhe/Sa/uKi6qRz0IqNG8JfbWmnGJ7WSpzRYyCYOPSg==`,
	"hashlib ASP.NET Identity v3, SHA-256": `AQAAAAEAACcQAAAAEDAxMjM0NTY3ODlhYmNkZWZWo4QBStNoCMwPqyH3Um+Ya1sP5g0adc0xt8gPGCPT3g==`,
	"hashlib ASP.NET Identity v3, SHA-512": `AQAAAAIAAYagAAAAEDAxMjM0NTY3ODlhYmNkZWYUjU2jeDRmOIQbK0f5D3lXn+vx5YOP/LDo4hqzACNrAQ==`,
	"slappasswd -h {SSHA}":                 `{SSHA}lQQTQgTJNOPhO2HawOQvEqvKDsGd/vMz`,
}

// PW-01: hashes of other programs are accepted, and hashed again at the next successful
// sign-in; a wrong password is wrong.
func TestForeignHashes(t *testing.T) {
	t.Parallel()
	p := NewPasswordsAt(Cost{Memory: 64, Iterations: 1})
	for made, encoded := range vectors {
		t.Run(made, func(t *testing.T) {
			t.Parallel()
			if _, err := ImportHash(encoded); err != nil {
				t.Errorf("refused at an import: %v", err)
			}
			if ok, rehash := check(t, p, encoded, "correct horse battery staple"); !ok || !rehash {
				t.Errorf("right password: %v, hash anew: %v", ok, rehash)
			}
			for _, wrong := range []string{"", "correct horse battery stapl", "Correct horse battery staple", "not this one"} {
				if ok, rehash := check(t, p, encoded, wrong); ok || rehash {
					t.Errorf("%q: %v, hash anew: %v", wrong, ok, rehash)
				}
			}
		})
	}
}

// crypt(3) uses 72 bytes of a password and treats UTF-8 as bytes.
func TestForeignHashesOfLongAndForeignText(t *testing.T) {
	t.Parallel()
	p := NewPasswordsAt(Cost{Memory: 64, Iterations: 1})
	for encoded, password := range map[string]string{
		`$2b$04$abcdefghijklmnopqrstuu.5skbTx2BS4jj.FAhPbN7I9dDGDUUN2`: strings.Repeat("x", 71) + "yz",
		`$2y$05$abcdefghijklmnopqrstuuj/uPb9nbnmrmREdukZ95AIbTHL/Y5Y6`: "pässwörd with ümlauts €",
	} {
		if ok, _ := check(t, p, encoded, password); !ok {
			t.Errorf("%q is not the password of %s", password, encoded)
		}
	}
}

// PW-01: a hash that asks for gigabytes or endless rounds is refused with a reason, and
// never computed; so is what is not a hash.
func TestForeignHashesThatAskForTooMuch(t *testing.T) {
	t.Parallel()
	p := NewPasswordsAt(Cost{Memory: 64, Iterations: 1})
	in := func(name, old, changed string) string { return strings.Replace(vectors[name], old, changed, 1) }
	const cost, form = "password_hash.cost", "password_hash.form"
	for encoded, want := range map[string]string{
		in("htpasswd -B", "$05$", "$31$"):                                                                     cost,
		in("htpasswd -B", "$05$", "$15$"):                                                                     cost,
		in("openssl passwd -6", "$6$", "$6$rounds=2147483648$"):                                               cost,
		in("openssl passwd -5", "$5$", "$5$rounds=1000001$"):                                                  cost,
		in("openssl passwd -6", "$6$", "$6$rounds=99999999999999999999$"):                                     cost,
		in("passlib pbkdf2_sha256", "29000", "2147483648"):                                                    cost,
		in("passlib django_pbkdf2_sha256", "26000", "4294967296"):                                             cost,
		in("passlib scrypt", "ln=10", "ln=22"):                                                                cost,
		in("passlib scrypt", "r=8", "r=4096"):                                                                 cost,
		in("passlib scrypt", "p=1", "p=100000"):                                                               cost,
		"AQAAAAH/////AAAAEDAxMjM0NTY3ODlhYmNkZWZWo4QBStNoCMwPqyH3Um+Ya1sP5g0adc0xt8gPGCPT3g==":                cost,
		"AQAAAAkAACcQAAAAEDAxMjM0NTY3ODlhYmNkZWZWo4QBStNoCMwPqyH3Um+Ya1sP5g0adc0xt8gPGCPT3g==":                cost,
		"$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$Q2qWcaZ4TC2DGtuHvT6+nv/h/ioCTuEZCr63YBCDWu4": cost,
		"":                                            form,
		"correct horse battery staple":                form,
		"{SHA}oOV8kZ2mkb9Zk2Wq5r9KjLb6nxQ=":           form,
		"{SSHA}short":                                 form,
		"$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/":          form,
		"$apr1$saltsalt$qjXMvbEw8oaL.CzflDtaK/":       form,
		"$plaintext$correct horse battery staple":     form,
		"{CRYPT}":                                     form,
		"5f4dcc3b5aa765d61d8327deb882cf99":            form,
		strings.Repeat("A", 1<<20):                    form,
		vectors["openssl passwd -6"] + "\n":           form,
		" " + vectors["openssl passwd -6"]:            form,
		in("openssl passwd -6", "$6$", "$6$rounds=$"): form,
	} {
		_, err := ImportHash(encoded)
		if countersign.CodeOf(err) != want {
			t.Errorf("%.60q: %v, want %s", encoded, err, want)
		}
		if ok, rehash := check(t, p, encoded, "correct horse battery staple"); ok || rehash {
			t.Errorf("%.60q: %v, hash anew: %v", encoded, ok, rehash)
		}
	}
}

// Another program's hash never causes a panic, whatever the database holds.
func FuzzForeignHash(f *testing.F) {
	for _, encoded := range vectors {
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, encoded string) {
		_, err := ImportHash(encoded)
		if legacyFormatOf(encoded) != nil && err != nil {
			t.Errorf("%q would be computed, and is refused", encoded)
		}
	})
}

// foreignHashesOf hashes bytes, as programs without support for Unicode did.
func foreignHashesOf(t *testing.T, password []byte) map[string]string {
	t.Helper()
	salt := []byte("0123456789abcdef")
	sum := sha1.Sum(append(slices.Clone(password), salt...))
	key := argon2.IDKey(password, salt, 1, 64, 1, 32)
	blowfish, err := bcrypt.GenerateFromPassword(password[:min(len(password), 72)], bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	crypted, err := shacrypt.New(shacrypt.WithIterations(1000))
	if err != nil {
		t.Fatal(err)
	}
	digest, err := crypted.Hash(string(password))
	if err != nil {
		t.Fatal(err)
	}
	raw := base64.RawStdEncoding
	return map[string]string{
		"{SSHA}": "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...)),
		"bcrypt": string(blowfish),
		"crypt":  digest.Encode(),
		"argon2": "$argon2id$v=19$m=64,t=1,p=1$" + raw.EncodeToString(salt) + "$" + raw.EncodeToString(key),
	}
}

// PW-01: a password with letters beyond ASCII matches an imported hash in every form in
// which a system may have hashed it, and no other password does.
func TestImportedHashesOfOtherForms(t *testing.T) {
	t.Parallel()
	p := NewPasswordsAt(Cost{Memory: 64, Iterations: 1})
	const password = "Pässwörter für Ñandú €5" // composed
	in := func(page *charmap.Charmap) []byte {
		bytes, err := page.NewEncoder().Bytes([]byte(password))
		if err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	old, err := charmap.CodePage850.NewEncoder().Bytes([]byte("Pässwörter"))
	if err != nil {
		t.Fatal(err)
	}
	for form, c := range map[string]struct {
		password string
		bytes    []byte
	}{
		"composed":      {password, norm.NFC.Bytes([]byte(password))},
		"decomposed":    {password, norm.NFD.Bytes([]byte(password))},
		"mixed":         {"a\u0308 \u00e4", []byte("a\u0308 \u00e4")}, // as it was typed, not normalized
		"Windows-1252":  {password, in(charmap.Windows1252)},
		"ISO-8859-15":   {password, in(charmap.ISO8859_15)},
		"code page 850": {"Pässwörter", old},
	} {
		for kind, encoded := range foreignHashesOf(t, c.bytes) {
			kept, err := ImportHash(encoded)
			if err != nil {
				t.Errorf("%s, %s: refused: %v", form, kind, err)
			}
			for _, typed := range []string{c.password, norm.NFD.String(c.password)} {
				if form == "mixed" && typed != c.password {
					continue
				}
				if ok, rehash := check(t, p, kept, typed); !ok || !rehash {
					t.Errorf("%s, %s, %q: %v, hash again: %v", form, kind, typed, ok, rehash)
				}
			}
			for _, wrong := range []string{c.password + "x", strings.ReplaceAll(c.password, "ä", "a"), strings.ToUpper(c.password), string(c.bytes) + " "} {
				if ok, _ := check(t, p, kept, wrong); ok {
					t.Errorf("%s, %s: %q opens it", form, kind, wrong)
				}
			}
		}
	}
}

// A hash of the first 72 bytes does not cover the rest. If a hash of what was typed replaced
// it, that could lock out a user who typed another rest before.
func TestHashOfABeginningIsNotReplaced(t *testing.T) {
	t.Parallel()
	p := NewPasswordsAt(Cost{Memory: 64, Iterations: 1})
	for _, c := range []struct {
		password  string
		typed     string
		ok, whole bool
	}{
		{strings.Repeat("x", 71), strings.Repeat("x", 71), true, true},
		{strings.Repeat("x", 72), strings.Repeat("x", 72), true, true},
		{strings.Repeat("x", 73), strings.Repeat("x", 73), true, false},
		{strings.Repeat("x", 90), strings.Repeat("x", 72) + "y", true, false},
		{strings.Repeat("ä", 36), strings.Repeat("ä", 36), true, true},
		{strings.Repeat("ä", 37), strings.Repeat("ä", 37), true, false},
		{strings.Repeat("x", 73), strings.Repeat("x", 71), false, false},
	} {
		ok, rehash := check(t, p, foreignHashesOf(t, []byte(c.password))["bcrypt"], c.typed)
		if ok != c.ok || rehash != c.whole {
			t.Errorf("%d of %d bytes: %v, hash again: %v", len(c.typed), len(c.password), ok, rehash)
		}
	}
}

// Programs write the names of schemes in any case, and base64 with or without padding. The
// stored form has one spelling.
func TestImportedHashesInEverySpelling(t *testing.T) {
	t.Parallel()
	p := NewPasswordsAt(Cost{Memory: 64, Iterations: 1})
	const password = "correct horse battery staple"
	argon := foreignHashesOf(t, []byte(password))["argon2"]
	for encoded, want := range map[string]string{
		strings.Replace(vectors["passlib ldap_salted_sha1"], "{SSHA}", "{ssha}", 1): vectors["passlib ldap_salted_sha1"],
		strings.Replace(vectors["hashlib {SSHA256}"], "{SSHA256}", "{Ssha256}", 1):  vectors["hashlib {SSHA256}"],
		strings.TrimRight(vectors["hashlib {SSHA256}"], "="):                        strings.TrimRight(vectors["hashlib {SSHA256}"], "="),
		"{crypt}" + vectors["openssl passwd -6"]:                                    vectors["openssl passwd -6"],
		"{BLF-CRYPT}" + vectors["htpasswd -B"]:                                      vectors["htpasswd -B"],
		"{sha512-crypt}" + vectors["openssl passwd -6"]:                             vectors["openssl passwd -6"],
		argon:              "{ARGON2}" + argon,
		"{argon2}" + argon: "{ARGON2}" + argon,
		strings.TrimRight(vectors["hashlib ASP.NET Identity v3, SHA-1"], "="): strings.TrimRight(vectors["hashlib ASP.NET Identity v3, SHA-1"], "="),
	} {
		kept, err := ImportHash(encoded)
		if err != nil || kept != want {
			t.Errorf("%q is kept as %q, want %q: %v", encoded, kept, want, err)
		}
		for _, stored := range []string{kept, encoded} {
			if ok, _ := check(t, p, stored, password); !ok {
				t.Errorf("%q is not opened by its password", stored)
			}
		}
	}
}

// A hash that no password can match is refused at the import, not at a sign-in.
func TestDamagedHashesAreRefused(t *testing.T) {
	t.Parallel()
	in := func(name, old, changed string) string { return strings.Replace(vectors[name], old, changed, 1) }
	for what, encoded := range map[string]string{
		"bits that bcrypt never sets":     in("htpasswd -B", "GVbK", "GVbL"),
		"a cost that bcrypt lacks":        in("htpasswd -B", "$05$", "$03$"),
		"bits that SHA-256-crypt lacks":   in("openssl passwd -5", "nWgffF.", "nWgffFz"),
		"bits that SHA-512-crypt lacks":   in("openssl passwd -6", "Ko1t.", "Ko1tz"),
		"a digest without a salt":         "{SSHA}" + base64.StdEncoding.EncodeToString(make([]byte, 20)),
		"a salt of 65 bytes":              "{SSHA}" + base64.StdEncoding.EncodeToString(make([]byte, 85)),
		"base64 cut by one letter":        in("passlib ldap_salted_sha1", "ROj9", "ROj9A"),
		"a salt that is no base64":        in("passlib pbkdf2_sha256", "$c29tZXNhbHRzb21lc2FsdA$", "$c29tZ$"),
		"a key that is no base64":         in("passlib pbkdf2_sha1", "$xiyANeGLsyMSyaOnlmzZPFiWnFc", "$xiyANeGLsyMSyaOnlmzZPFiWn"),
		"Argon2id with other parameters":  "$argon2id$v=16$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg",
		"a scheme that names another one": "{SSHA}" + vectors["openssl passwd -6"],
	} {
		if kept, err := ImportHash(encoded); countersign.CodeOf(err) != "password_hash.form" {
			t.Errorf("%s: %q is kept as %q: %v", what, encoded, kept, err)
		}
	}
}
