package secret

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// KY-01: a sealed value opens at its own place and in no other row.
func TestBoxOpensOnlyAtItsPlace(t *testing.T) {
	t.Parallel()
	box := master(t).Box()
	const place = "factor.secret/DEMO/BSMITH/1"
	sealed, err := box.Seal([]byte("twenty bytes of a key"), place)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := box.Open(sealed, place); err != nil || string(plain) != "twenty bytes of a key" {
		t.Fatalf("at its place: %q, %v", plain, err)
	}
	for _, other := range []string{"", "factor.secret/DEMO/CBILLS/1", "factor.secret/ACME/BSMITH/1", "factor.secret/DEMO/BSMITH/2", "message.data/DEMO/BSMITH/1", place + "/", place[1:]} {
		if plain, err := box.Open(sealed, other); err == nil {
			t.Errorf("opened at %q: %q", other, plain)
		}
	}
	if _, err := master(t).Box().Open(sealed, place); !errors.Is(err, ErrOtherKey) {
		t.Errorf("with another master key: %v, want ErrOtherKey", err)
	}
}

// KY-01: a sealed value with a bit changed, left out or added does not open.
func TestBoxRefusesWhatWasTamperedWith(t *testing.T) {
	t.Parallel()
	box := master(t).Box()
	sealed, err := box.Seal([]byte("plain"), "place")
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(sealed) {
		changed := bytes.Clone(sealed)
		changed[bit/8] ^= 1 << (bit % 8)
		if plain, err := box.Open(changed, "place"); err == nil {
			t.Errorf("bit %d changed: opened as %q", bit, plain)
		}
	}
	for n := range sealed {
		if plain, err := box.Open(sealed[:n], "place"); err == nil {
			t.Errorf("cut to %d bytes: opened as %q", n, plain)
		}
	}
	if plain, err := box.Open(append(bytes.Clone(sealed), 0), "place"); err == nil {
		t.Errorf("with a byte more: opened as %q", plain)
	}
}

func TestBoxGivesBackWhatWasSealed(t *testing.T) {
	t.Parallel()
	box := master(t).Box()
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		place := rapid.String().Draw(t, "place")
		first, err := box.Seal(plain, place)
		if err != nil {
			t.Fatal(err)
		}
		second, err := box.Seal(plain, place)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(first, second) {
			t.Fatal("sealing twice gives the same: who sees both knows they are equal")
		}
		got, err := box.Open(first, place)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("got %x, %v, want %x", got, err, plain)
		}
	})
}

// A value sealed by an earlier version, with another library, still opens: key ID, nonce of
// 24 bytes, XChaCha20-Poly1305 with the place as additional data.
func TestSealedValuesKeepTheirForm(t *testing.T) {
	m, err := parseMaster("o1NxGwT/W7m4QMYsoauZ6hYWa3a7adwfpG3TekyWpk8=\n")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := hex.DecodeString("0f4b4e6669a2f2dd17f20b369516b63f84c21e1547811a090a1161ece5ecea5412e9fddf4310cb66990b1ee744de04c7340888cb52938ab13e3709e7")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := m.Box().Open(sealed, "factor.secret/A/U/1")
	if err != nil || string(plain) != "JBSWY3DPEHPK3PXP" {
		t.Errorf("%q, %v", plain, err)
	}
	for i := range sealed {
		forged := slices.Clone(sealed)
		forged[i] ^= 1
		if _, err := m.Box().Open(forged, "factor.secret/A/U/1"); err == nil {
			t.Errorf("byte %d changed: it opens", i)
		}
		if _, err := m.Box().Open(sealed[:i], "factor.secret/A/U/1"); err == nil {
			t.Errorf("cut to %d bytes: it opens", i)
		}
	}
}
