package secret

import (
	"math/rand/v2"
	"strings"
	"testing"

	"countersign"
)

// judged returns the code of the error for a new password of at least 15 characters; "" if
// it is accepted.
func judged(password string) string {
	return countersign.CodeOf(CheckNew(password, 15, "BSMITH", "b@acme.example", "Acme", "Agency Integrator"))
}

// PW-04: a password made of listed ones, runs, digits, signs and repeats is refused, however
// long it is.
func TestMadeOfCommon(t *testing.T) {
	t.Parallel()
	for _, password := range []string{
		"1234567890123456", "123456789012345", "Password1234567", "password12345678", "qwertyuiopasdfgh", // reported
		"passwordpassword", "Sommer2026Sommer2026", "Summer2026!Summer2026!Summer", "dragonmonkey2026", "dragon-monkey-2026", "dragon-monkey-dragon-2026",
		"!!!!!!!Password", "20262026password", "passworddddddddd", "P4ssw0rd1234567", "Pa$$w0rd!!!!!!!!", "iloveyouiloveyou1",
		"shadowmastermonkeydragon", "1qaz2wsx3edc4rfv", "12345678!!!!!!!", "12345678!@#$%^&*", "Password 1234567", "password password",
		"qwertzuiopasdfghjkl", "azertyuiopqsdfghjklm", "poiuytrewqlkjhgfdsa", "asdfghjklzxcvbnm", "abcdefghijklmnop", "zyxwvutsrqponmlk",
		"987654321098765", "1234567890987654321", "0123456789012345", "p-a-s-s-w-o-r-d-1", "letmein" + strings.Repeat("9", 200),
		strings.Repeat("1234567890", 26)[:256], strings.Repeat("9876543210", 26)[:256], strings.Repeat("password", 32), strings.Repeat("Sommer2026", 26)[:255],
	} {
		if got := judged(password); got != "password.common" {
			t.Errorf("%q: %q", password, got)
		}
	}
}

// PW-04: passphrases, with and without spaces, and generated passwords are accepted.
func TestHonestPasswords(t *testing.T) {
	t.Parallel()
	for _, password := range []string{
		"correct horse battery staple", "quiet river under seven bridges", "correct horse battery", "dragon monkey window lamp", "my dog eats yellow socks",
		"the summer of 2026 was cold", "password of my old dragon", "seven shadows, one master", "Coffee before noon, please!", "blue velvet orchid 73",
		"correct-horse-battery-staple", "quiet-river-under-seven-bridges", "quietriverundersevenbridges", "QuietRiverUnderSevenBridges", "we never found the sea",
		"orange-tractor-9-piano", "dragon.monkey.window", "Summer+Winter+Dragon",
		"fünf Äpfel im Schnee", "my first car was a wreck", "tulips grow on my roof", "Lantern+Walnut+Gravel+Otter", "nobody reads the manual",
		"hQ8$kw9!zLp2vbT", "x7Rw-q2Kd-M9tz-Lf4", "tq9mzk3vhd7wbx2n", "VvN3kTq8zRwXp5Ls", "e83bf01c9d7a462f", "9f4c21d07be863a5", "zJ&4v)Qm_8wT{kX",
		"K7PX-Q2MD-93VT-ZWRB", "uwxv-khtq-zbrn-mplg", "qd7fjz0xk4mvw9h", "Bn%5tGx^2Lq!9Rz", "mfkzqvthwxdbgjr", "847301925563812", "590318472660731",
		"aGx9!kfQ2#mzPw7", "0x7fQz93KdLmWvB", "tR4!tZ9?vK2.wQ7", "gWq3vXz8LkTn5Rb", "j6NvYp0sUd2HcXe", "wZ5k-Tn8q-Xv3r-Hd6p",
	} {
		if got := judged(password); got != "" {
			t.Errorf("%q: %q", password, got)
		}
	}
}

// PW-04: generated passwords are never refused.
func TestRandomPasswordsAreTaken(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(15, 4))
	for range 1000 {
		password := make([]byte, 15)
		for i := range password {
			password[i] = byte(' ' + random.IntN('~'-' '+1))
		}
		if got := judged(string(password)); got != "" {
			t.Errorf("%q: %q", password, got)
		}
	}
}

// The longest passwords, whose parts match in many ways.
func BenchmarkMadeOfCommon(b *testing.B) {
	common()
	for name, password := range map[string]string{
		"digits":    strings.Repeat("1234567890", 26)[:255] + "x",
		"disguises": strings.Repeat("p4$$w0rd!1", 26)[:255] + "x",
		"signs":     strings.Repeat("1!0@$", 52)[:255] + "x",
		"one":       strings.Repeat("a", 255) + "x",
		"wide":      strings.Repeat("1é€🦉", 64),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				madeOfCommon(password)
			}
		})
	}
}
