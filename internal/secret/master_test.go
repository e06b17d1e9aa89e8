package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func master(t *testing.T) *Master {
	t.Helper()
	m, err := NewMaster()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// KY-02: the error for an invalid key file names the file and the fix.
func TestKeyFileThatIsRefused(t *testing.T) {
	t.Parallel()
	encode := func(key []byte) string { return base64.StdEncoding.EncodeToString(key) + "\n" }
	counting := make([]byte, masterSize)
	for i := range counting {
		counting[i] = byte(i)
	}
	good := line(draw(masterSize))
	for _, test := range []struct {
		name, text string
		mode       fs.FileMode
		says       string
	}{
		{"nothing in it", "", 0o600, "restore the file"},
		{"blank lines only", "\n \n", 0o600, "empty"},
		{"half a key", encode(draw(16)), 0o600, "32 bytes"},
		{"cut off", good[:20], 0o600, "32 bytes"},
		{"too long", encode(draw(33)), 0o600, "32 bytes"},
		{"raw bytes", string(draw(masterSize)), 0o600, "32 bytes"},
		{"a good key and half a key", good + encode(draw(16)), 0o600, "32 bytes"},
		{"zeros", encode(make([]byte, masterSize)), 0o600, "not random"},
		{"all the same", encode(bytes.Repeat([]byte{0xa5}, masterSize)), 0o600, "not random"},
		{"two bytes in turn", encode(bytes.Repeat([]byte{1, 2}, masterSize/2)), 0o600, "not random"},
		{"sixteen bytes twice", encode(bytes.Repeat(counting[:16], 2)), 0o600, "not random"},
		{"counting up", encode(counting), 0o600, "not random"},
		{"a typed sentence", encode([]byte("change me before you go live, Bob"[:masterSize])), 0o600, "not random"},
		{"a good key and zeros", good + encode(make([]byte, masterSize)), 0o600, "not random"},
		{"the group may read it", good, 0o640, "chmod 600"},
		{"the world may read it", good, 0o644, "chmod 600"},
		{"the world may write it", good, 0o602, "chmod 600"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "master.key")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, test.mode); err != nil {
				t.Fatal(err)
			}
			m, err := LoadMaster(path)
			if m != nil || err == nil {
				t.Fatalf("accepted: %v, %v", m, err)
			}
			for _, part := range []string{path, test.says} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if secret := strings.TrimSpace(test.text); secret != "" && strings.Contains(err.Error(), secret) {
				t.Errorf("%q tells what is in the file", err)
			}
		})
	}
}

// KY-02: a missing key file.
func TestKeyFileThatIsNotThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "master.key"), filepath.Join(dir, "no", "such", "master.key"), dir} {
		_, err := LoadMaster(path)
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "--master-key-file") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestCreatedKeyFileIsTheOwnersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data", "master.key")
	if err := CreateMaster(path); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v (%v)", name, info.Mode().Perm(), want, err)
		}
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := CreateMaster(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("creating it again: %v, want that it exists", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the key was overwritten")
	}
	first, err := LoadMaster(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadMaster(path)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := first.Box().Seal([]byte("plain"), "place")
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := second.Box().Open(sealed, "place"); err != nil || string(plain) != "plain" {
		t.Errorf("after a restart: %q, %v", plain, err)
	}
}

// KY-02: a key is never printed, in any structure and by any encoder.
func TestKeysNeverShowThemselves(t *testing.T) {
	t.Parallel()
	raw := draw(masterSize)
	m, err := parseMaster(line(raw))
	if err != nil {
		t.Fatal(err)
	}
	root := NewRoot()
	k, err := KeyOf(root)
	if err != nil {
		t.Fatal(err)
	}
	b, signer := m.Box(), k.Signer("p")
	type around struct {
		m *Master
		n Master
		k Key
		s Signer
		b *Box
	}
	var out strings.Builder
	for _, value := range []any{m, *m, k, &k, b, signer, &signer, around{m, *m, k, signer, b}, &around{m, *m, k, signer, b}, []any{m, k, b}, map[string]any{"k": k}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("key", "value", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("key", "value", value)
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Error(err)
		}
		out.Write(encoded)
	}
	for name, key := range map[string][]byte{"master key": raw, "root": root, "signing key": signer.key().Seed(), "sealing key": m.keys[0].derive("seal")} {
		for _, form := range []string{
			string(key), hex.EncodeToString(key), strings.ToUpper(hex.EncodeToString(key)), base64.StdEncoding.EncodeToString(key),
			strings.Trim(fmt.Sprint(key), "[]"), fmt.Sprintf("%#v", key)[7:40],
		} {
			if strings.Contains(out.String(), form) {
				t.Errorf("the %s shows as %q", name, form)
			}
		}
	}
	if !strings.Contains(out.String(), "(hidden)") {
		t.Error("nothing was printed: the test sees nothing")
	}
}

// KY-02: a new key comes first; what the old one sealed still opens.
func TestRotationKeepsWhatWasSealed(t *testing.T) {
	t.Parallel()
	older, newer := line(draw(masterSize)), line(draw(masterSize))
	before, err := parseMaster(older)
	if err != nil {
		t.Fatal(err)
	}
	after, err := parseMaster(newer + older)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := before.Box().Seal([]byte("plain"), "place")
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := after.Box().Open(sealed, "place"); err != nil || string(plain) != "plain" {
		t.Errorf("sealed before: %q, %v", plain, err)
	}
	again, err := after.Box().Seal([]byte("plain"), "place")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(sealed[:idSize], again[:idSize]) {
		t.Error("the old key still seals")
	}
	if _, err := before.Box().Open(again, "place"); !errors.Is(err, ErrOtherKey) {
		t.Errorf("without the new key: %v, want ErrOtherKey", err)
	}
}

// OT-06: digests keep parts and purposes apart.
func TestDigestsKeepPartsApart(t *testing.T) {
	t.Parallel()
	k := key(t)
	seen := map[string]string{}
	for _, parts := range [][]string{
		{"p"}, {"p", ""}, {"p", "", ""}, {"p", "abc"}, {"p", "ab", "c"}, {"p", "a", "bc"}, {"p", "abc", ""}, {"p", "", "abc"},
		{"pa", "bc"}, {"", "p"}, {"q", "abc"}, {"p", "a", "b", "c"}, {"p", "\x00\x00\x00\x00\x00\x00\x00\x01a"},
	} {
		mac := string(k.MAC(parts[0], parts[1:]...))
		if len(mac) != 32 {
			t.Errorf("%q: %d bytes", parts, len(mac))
		}
		if other, ok := seen[mac]; ok {
			t.Errorf("%q and %s have the same digest", parts, other)
		}
		seen[mac] = fmt.Sprintf("%q", parts)
	}
	if !bytes.Equal(k.MAC("p", "abc"), k.MAC("p", "abc")) {
		t.Error("the same parts have different digests")
	}
	if bytes.Equal(k.MAC("p", "abc"), key(t).MAC("p", "abc")) {
		t.Error("another key makes the same digest")
	}
}

func TestDigestsDifferWhereverPartsDo(t *testing.T) {
	t.Parallel()
	k := key(t)
	rapid.Check(t, func(t *rapid.T) {
		// Few letters, so that joined parts are often equal.
		parts := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("ab")), 0, 3, -1), 0, 4)
		a, b := parts.Draw(t, "a"), parts.Draw(t, "b")
		same := fmt.Sprintf("%q", a) == fmt.Sprintf("%q", b)
		if got := bytes.Equal(k.MAC("p", a...), k.MAC("p", b...)); got != same {
			t.Fatalf("%q and %q: equal digests %v", a, b, got)
		}
	})
}

func TestKeyOutOfNothingMakesNoDigests(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("the zero Key made a digest that everybody could make")
		}
	}()
	Key{}.MAC("p", "x")
}

func key(t *testing.T) Key {
	t.Helper()
	k, err := KeyOf(NewRoot())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// KY-02: the steps of a rotation in the file: a new key waits, then it seals and the old one
// only opens, then the old one is removed. At each step everything sealed before opens, and
// the file is complete, private, and loads again.
func TestTheStepsOfARotation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.key")
	if err := CreateMaster(path); err != nil {
		t.Fatal(err)
	}
	m, err := LoadMaster(path)
	if err != nil {
		t.Fatal(err)
	}
	box, first := m.Box(), m.Sealing()
	sealed, err := box.Seal([]byte("plain"), "place")
	if err != nil {
		t.Fatal(err)
	}
	step := func(next *Master, states ...KeyState) {
		t.Helper()
		if err := next.Save(path); err != nil {
			t.Fatal(err)
		}
		if m, err = LoadMaster(path); err != nil {
			t.Fatal(err)
		}
		box.Use(m)
		var got []KeyState
		for _, k := range m.Keys() {
			got = append(got, k.State)
		}
		if !slices.Equal(got, states) {
			t.Errorf("the keys are %v, want %v", got, states)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file has mode %v: %v", info.Mode(), err)
		}
	}
	step(m.WithNew(), Seals, Waits)
	if m.Sealing() != first || m.Waiting() == "" {
		t.Error("the new key seals before every node has it")
	}
	waited := m.Waiting()
	promoted, err := m.Promoted()
	if err != nil {
		t.Fatal(err)
	}
	step(promoted, Seals, Opens)
	if m.Sealing() != waited || m.Waiting() != "" {
		t.Error("the new key does not seal")
	}
	if plain, err := box.Open(sealed, "place"); err != nil || string(plain) != "plain" {
		t.Errorf("what the old key sealed: %q, %v", plain, err)
	}
	if _, err := m.Promoted(); err == nil {
		t.Error("a key was promoted that does not wait")
	}
	step(m.Reduced(), Seals)
	if _, err := box.Open(sealed, "place"); !errors.Is(err, ErrOtherKey) {
		t.Errorf("the old key still opens: %v", err)
	}
}

// A file whose only keys wait can't seal, and is refused.
func TestAFileWhereNoKeySealsIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := parseMaster("wait " + line(draw(masterSize))); err == nil {
		t.Error("it was taken")
	}
	if _, err := parseMaster("wait\n" + line(draw(masterSize))); err == nil {
		t.Error("a wait without a key was taken")
	}
}

// A checkpoint's signature matches its own text only.
func TestSignatures(t *testing.T) {
	t.Parallel()
	s := key(t).Signer("p")
	sig := s.Sign("text")
	if !s.Verify("text", sig) || s.Verify("other", sig) || s.Verify("text", sig+"A") || s.Verify("text", "?") || key(t).Signer("p").Verify("text", sig) {
		t.Error("a signature fits what it should not, or not what it should")
	}
}
