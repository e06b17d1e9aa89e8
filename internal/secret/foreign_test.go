package secret

import (
	"strings"
	"testing"

	"countersign"
)

// vectors are hashes of "correct horse battery staple" that other programs have made.
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

// PW-01: what other programs have hashed is readable, and hashed anew at the
// next right sign-in; a wrong password is wrong.
func TestForeignHashes(t *testing.T) {
	t.Parallel()
	p := NewPasswordsAt(Cost{Memory: 64, Iterations: 1})
	for made, encoded := range vectors {
		t.Run(made, func(t *testing.T) {
			t.Parallel()
			if err := CheckHash(encoded); err != nil {
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

// crypt(3) looks at 72 bytes of a password and takes UTF-8 as bytes.
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

// PW-01: a hash that asks for gigabytes or endless rounds is refused in words,
// and never computed; so is what is no hash.
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
		err := CheckHash(encoded)
		if countersign.CodeOf(err) != want {
			t.Errorf("%.60q: %v, want %s", encoded, err, want)
		}
		if ok, rehash := check(t, p, encoded, "correct horse battery staple"); ok || rehash {
			t.Errorf("%.60q: %v, hash anew: %v", encoded, ok, rehash)
		}
	}
}

// A foreign hash never panics, whatever stands in the database.
func FuzzForeignHash(f *testing.F) {
	for _, encoded := range vectors {
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, encoded string) {
		if match := foreignMatch(encoded); match != nil && CheckHash(encoded) != nil {
			t.Errorf("%q would be computed, and is refused", encoded)
		}
	})
}
