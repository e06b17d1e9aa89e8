package secret

import (
	"crypto/pbkdf2"
	"crypto/sha1" // #nosec G505 -- what other programs have stored is read, never written
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"regexp"
	"strconv"
	"strings"
)

// derived reports whether key is PBKDF2 of a text.
func derived(h func() hash.Hash, text string, salt []byte, rounds int, key []byte) bool {
	got, err := pbkdf2.Key(h, text, salt, rounds, len(key))
	return err == nil && Equal(got, key)
}

// openDjango parses Django's pbkdf2_sha256, whose salt is text, not base64.
func openDjango(encoded string) (matcher, bool) {
	parts := strings.Split(encoded, "$")
	rounds, err := strconv.Atoi(parts[1])
	if err != nil {
		return nil, false
	}
	key, err := base64.StdEncoding.DecodeString(parts[3])
	return func(text string) bool { return derived(sha256.New, text, []byte(parts[2]), rounds, key) }, err == nil
}

// openSalted parses {SSHA}, {SSHA256} and {SSHA512} of LDAP directories: the digest of
// password and salt, followed by the salt, with or without the padding of base64.
func openSalted(encoded string) (matcher, bool) {
	scheme, rest, _ := strings.Cut(strings.TrimPrefix(encoded, "{"), "}")
	newHash := map[string]func() hash.Hash{"SSHA": sha1.New, "SSHA256": sha256.New, "SSHA512": sha512.New}[scheme]
	size := newHash().Size()
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(rest, "="))
	if err != nil || len(raw) <= size || len(raw) > size+maxSalt {
		return nil, false
	}
	return func(text string) bool {
		h := newHash()
		h.Write([]byte(text))
		h.Write(raw[size:])
		return Equal(h.Sum(nil), raw[:size])
	}, true
}

// aspNet matches a hash of ASP.NET Core Identity, version 3: base64 of a 1, three
// numbers, salt and key.
var aspNet = regexp.MustCompile(`^AQAAAA[A-Za-z0-9+/]{30,}={0,2}$`)

// An aspNetHash holds the parts of one.
type aspNetHash struct {
	hash      func() hash.Hash
	rounds    uint32
	salt, key []byte
}

// aspNetHead is the length in bytes of version, function, rounds and salt length.
const aspNetHead = 13

func readAspNet(encoded string) (a aspNetHash, ok bool) {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil || len(raw) < aspNetHead || raw[0] != 1 {
		return a, false
	}
	functions := []func() hash.Hash{sha1.New, sha256.New, sha512.New}
	function, size := binary.BigEndian.Uint32(raw[1:]), binary.BigEndian.Uint32(raw[9:])
	if function >= uint32(len(functions)) || size < 8 || size > maxSalt || len(raw) < aspNetHead+int(size)+16 {
		return a, false
	}
	a.hash, a.rounds = functions[function], binary.BigEndian.Uint32(raw[5:])
	a.salt, a.key = raw[aspNetHead:aspNetHead+size], raw[aspNetHead+size:]
	return a, a.rounds > 0 && len(a.key) <= maxSalt
}

func aspNetAsks(found []string) string {
	a, ok := readAspNet(found[0])
	if !ok {
		return "what it does not say"
	}
	if a.rounds > maxPBKDF2 {
		return fmt.Sprintf("%d rounds", a.rounds)
	}
	return ""
}

func openAspNet(encoded string) (matcher, bool) {
	a, ok := readAspNet(encoded)
	return func(text string) bool { return derived(a.hash, text, a.salt, int(a.rounds), a.key) }, ok
}
