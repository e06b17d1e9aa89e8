package secret

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign"
)

// OT-01: six digits, each value equally likely, leading zeros kept.
func TestTokensAreDrawnEvenly(t *testing.T) {
	t.Parallel()
	const draws = 100_000
	var seen [6][10]int
	firstZero := 0
	for range draws {
		token := Token()
		if len(token) != 6 || strings.Trim(token, "0123456789") != "" {
			t.Fatalf("token %q is not six digits", token)
		}
		for place, digit := range token {
			seen[place][digit-'0']++
		}
		if token[0] == '0' {
			firstZero++
		}
	}
	// With 9 degrees of freedom, a fair draw exceeds 50 once in ten million times.
	for place, counts := range seen {
		chi := 0.0
		for _, n := range counts {
			d := float64(n) - draws/10
			chi += d * d / (draws / 10)
		}
		if chi > 50 {
			t.Errorf("place %d: chi-square %.1f for %v", place, chi, counts)
		}
	}
	if firstZero < draws/11 || firstZero > draws/9 {
		t.Errorf("%d of %d tokens begin with 0, want about a tenth", firstZero, draws)
	}
}

// OT-01: the thousand ranges of the whole number are equally likely, too.
func TestTokensFillTheWholeRange(t *testing.T) {
	t.Parallel()
	const draws, ranges = 100_000, 1000
	var seen [ranges]int
	for range draws {
		token := Token()
		seen[100*int(token[0]-'0')+10*int(token[1]-'0')+int(token[2]-'0')]++
	}
	chi := 0.0
	for _, n := range seen {
		d := float64(n) - draws/ranges
		chi += d * d / (draws / ranges)
	}
	// 999 degrees of freedom: mean 999, deviation 45; these bounds are six deviations away.
	if chi < 999-270 || chi > 999+270 {
		t.Errorf("chi-square %.1f, want about 999", chi)
	}
}

// SE-01: 256 bits, stored as SHA-256 only.
func TestHandlesAreLongAndStoredAsDigest(t *testing.T) {
	t.Parallel()
	seen := map[countersign.Handle]bool{}
	for range 1000 {
		h := NewHandle()
		bytes, err := base64.RawURLEncoding.DecodeString(string(h))
		if err != nil || len(bytes) != 32 {
			t.Fatalf("handle %q: %d bytes, %v", h, len(bytes), err)
		}
		if seen[h] {
			t.Fatalf("handle %q was drawn twice", h)
		}
		seen[h] = true
	}
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2, B.1
	if got := Digest("abc"); got != abc {
		t.Errorf("digest of abc is %s, want %s", got, abc)
	}
}

func TestIDsAreLowerCaseAndNeverTheSame(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[0-9a-f]{32}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := NewID()
		if !form.MatchString(id) || seen[id] {
			t.Fatalf("ID %q is of another form, or was drawn before", id)
		}
		seen[id] = true
	}
}

func TestReferencesHaveNoLetterThatIsReadAsAnother(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[A-HJ-NPR-TWXY]{2}$`)
	seen := map[string]bool{}
	for range 20_000 {
		r := Reference()
		if !form.MatchString(r) {
			t.Fatalf("reference %q", r)
		}
		seen[r] = true
	}
	if len(seen) != 400 {
		t.Errorf("%d different references, want all 400", len(seen))
	}
}

// OT-07: 160 bits.
func TestAppKeysHave160Bits(t *testing.T) {
	t.Parallel()
	a, b := AppKey(), AppKey()
	if len(a) != 20 || Equal(a, b) {
		t.Errorf("keys %x and %x", a, b)
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want bool
	}{{"", "", true}, {"a", "a", true}, {"a", "b", false}, {"a", "ab", false}, {"", "a", false}} {
		if got := Equal([]byte(test.a), []byte(test.b)); got != test.want {
			t.Errorf("Equal(%q, %q) = %v", test.a, test.b, got)
		}
	}
}

// PK-01 (WebAuthn 13.4.3): a dated nonce has at least 16 random bytes and is never the same
// twice. Its date can be read only under its own key, for its own parts, and with no byte
// changed.
func TestDatedNonce(t *testing.T) {
	k, until := key(t), time.Date(2026, 11, 27, 18, 0, 0, 5e6, time.UTC)
	nonce := k.DatedNonce(until, "alone", "agency", "browser")
	if got, ok := k.NonceDate(nonce, "alone", "agency", "browser"); !ok || !got.Equal(until) {
		t.Fatalf("%v, %v", got, ok)
	}
	if again := k.DatedNonce(until, "alone", "agency", "browser"); bytes.Equal(again[:nonceDraw], nonce[:nonceDraw]) || nonceDraw < 16 {
		t.Error("drawn twice, or too short")
	}
	refused := map[string][]byte{"none": nil, "empty": {}, "cut": nonce[:len(nonce)-1], "longer": append(bytes.Clone(nonce), 0), "the draw alone": nonce[:nonceDraw], "without its digest": nonce[:nonceDraw+8]}
	for i := range nonce {
		changed := bytes.Clone(nonce)
		changed[i] ^= 1
		refused[fmt.Sprint("byte ", i)] = changed
	}
	for name, changed := range refused {
		if _, ok := k.NonceDate(changed, "alone", "agency", "browser"); ok {
			t.Errorf("%s: taken", name)
		}
	}
	if _, ok := key(t).NonceDate(nonce, "alone", "agency", "browser"); ok {
		t.Error("another key takes it")
	}
	for _, parts := range [][]string{{"alone", "agency", "other"}, {"alone", "agencyb", "rowser"}, {"alone", "agency"}, {}} {
		if _, ok := k.NonceDate(nonce, parts...); ok {
			t.Errorf("taken for %v", parts)
		}
	}
}
