package secret

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-crypt/crypt/algorithm"
	"github.com/go-crypt/crypt/algorithm/bcrypt"
	"github.com/go-crypt/crypt/algorithm/pbkdf2"
	"github.com/go-crypt/crypt/algorithm/scrypt"
	"github.com/go-crypt/crypt/algorithm/shacrypt"

	"countersign"
)

// What a hash of another program may ask for at the most. A dearer one is
// refused at the import, and never computed.
const (
	mostBcrypt = 14        // cost: about a second
	mostCrypt  = 1_000_000 // rounds of SHA-crypt
	mostPBKDF2 = 2_000_000 // rounds
	mostLn     = 17        // scrypt, with r=8: 128 MiB
	mostR      = 8
	mostP      = 4
	widestSalt = 64  // bytes
	widestHash = 512 // characters of any stored hash
)

// A foreign is a kind of hash that another program has made: readable, so that
// its users keep their passwords, and replaced at the next right sign-in.
type foreign struct {
	form    *regexp.Regexp                        // the one way in which it is written
	asks    func(found []string) (tooMuch string) // what it asks for beyond what is given; empty: nothing
	matches func(encoded, text string) bool
}

// foreigners are all kinds that can be read. Each form is exact: what is judged
// here is what is computed there.
var foreigners = []foreign{
	{regexp.MustCompile(`^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$`),
		atMost("a cost of %d", 1, mostBcrypt), decoded(bcrypt.Decode, 72)},
	{regexp.MustCompile(`^\$5\$(?:rounds=([1-9]\d*)\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}$`),
		atMost("%d rounds", 1, mostCrypt), decoded(shacrypt.Decode, 0)},
	{regexp.MustCompile(`^\$6\$(?:rounds=([1-9]\d*)\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86}$`),
		atMost("%d rounds", 1, mostCrypt), decoded(shacrypt.Decode, 0)},
	{regexp.MustCompile(`^\$pbkdf2(?:-sha1|-sha256|-sha512)?\$([1-9]\d*)\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{22,86}$`),
		atMost("%d rounds", 1, mostPBKDF2), decoded(pbkdf2.Decode, 0)},
	{regexp.MustCompile(`^\$scrypt\$ln=([1-9]\d*),r=([1-9]\d*),p=([1-9]\d*)\$[A-Za-z0-9+/]{1,86}\$[A-Za-z0-9+/]{43}$`),
		scryptAsks, decoded(scrypt.Decode, 0)},
	{regexp.MustCompile(`^pbkdf2_sha256\$([1-9]\d*)\$([A-Za-z0-9+/._-]{1,64})\$([A-Za-z0-9+/]{43}=)$`),
		atMost("%d rounds", 1, mostPBKDF2), djangoMatches},
	{regexp.MustCompile(`^\{SSHA(|256|512)\}[A-Za-z0-9+/]{20,}={0,2}$`), nothing, saltedMatches},
	{aspNet, aspNetAsks, aspNetMatches},
}

// unwrapped is a hash without what directories put in front of a crypt(3) one.
func unwrapped(encoded string) string {
	const wrap = "{CRYPT}"
	if len(encoded) > len(wrap) && strings.EqualFold(encoded[:len(wrap)], wrap) {
		return encoded[len(wrap):]
	}
	return encoded
}

// read finds the kind of a foreign hash; nil if it is none.
func read(encoded string) (kind *foreign, found []string) {
	if len(encoded) > widestHash {
		return nil, nil
	}
	for i := range foreigners {
		if found = foreigners[i].form.FindStringSubmatch(encoded); found != nil {
			return &foreigners[i], found
		}
	}
	return nil, nil
}

// CheckHash says why a hash that somebody brings can't be kept: it is of no
// kind that can be read, or asks for more than is ever computed; nil if it can.
func CheckHash(encoded string) error {
	if _, ok := costOf(encoded); ok {
		return nil
	}
	if found := phc.FindStringSubmatch(encoded); found != nil {
		return tooDear(fmt.Sprintf("%s KiB of memory and %s rounds", found[1], found[2]))
	}
	kind, found := read(unwrapped(encoded))
	if kind == nil {
		return &countersign.Error{Kind: countersign.Invalid, Code: "password_hash.form", Field: "password_hash"}
	}
	if tooMuch := kind.asks(found); tooMuch != "" {
		return tooDear(tooMuch)
	}
	return nil
}

func tooDear(what string) error {
	return &countersign.Error{Kind: countersign.Invalid, Code: "password_hash.cost", Field: "password_hash", Args: countersign.Args{"What": what}}
}

// foreignMatch is what compares with a foreign hash; nil if it is none, or asks
// for too much.
func foreignMatch(encoded string) func(text string) bool {
	encoded = unwrapped(encoded)
	kind, found := read(encoded)
	if kind == nil || kind.asks(found) != "" {
		return nil
	}
	return func(text string) bool { return kind.matches(encoded, text) }
}

func nothing([]string) string { return "" }

// atMost bounds the number in one group of the form; an empty group is the
// kind's own default, which is below every bound.
func atMost(words string, group, most int) func([]string) string {
	return func(found []string) string {
		if found[group] == "" {
			return ""
		}
		n, err := strconv.Atoi(found[group])
		switch {
		case err != nil:
			return strings.ReplaceAll(words, "%d", found[group])
		case n > most:
			return fmt.Sprintf(words, n)
		default:
			return ""
		}
	}
}

// scryptAsks bounds the memory, 128 bytes × 2^ln × r, and how often it is filled.
func scryptAsks(found []string) string {
	for i, most := range []int{mostLn, mostR, mostP} {
		if n, err := strconv.Atoi(found[i+1]); err != nil || n > most {
			return "ln=" + found[1] + ", r=" + found[2] + ", p=" + found[3]
		}
	}
	return ""
}

// decoded compares by the library. cut is how many bytes of a password the
// other program looked at; 0: all.
func decoded(decode func(string) (algorithm.Digest, error), cut int) func(encoded, text string) bool {
	return func(encoded, text string) bool {
		digest, err := decode(encoded)
		if err != nil {
			return false
		}
		if cut > 0 && len(text) > cut {
			text = text[:cut]
		}
		ok, err := digest.MatchAdvanced(text)
		return err == nil && ok
	}
}
