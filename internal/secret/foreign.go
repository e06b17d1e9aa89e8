package secret

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-crypt/crypt/algorithm"
	"github.com/go-crypt/crypt/algorithm/argon2"
	"github.com/go-crypt/crypt/algorithm/bcrypt"
	"github.com/go-crypt/crypt/algorithm/pbkdf2"
	"github.com/go-crypt/crypt/algorithm/scrypt"
	"github.com/go-crypt/crypt/algorithm/shacrypt"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"countersign"
)

// The highest cost of another program's hash. The import refuses more, and it is never
// computed.
const (
	maxBcrypt    = 14            // cost: about a second
	maxCrypt     = 1_000_000     // rounds of SHA-crypt
	maxPBKDF2    = 2_000_000     // rounds
	maxArgonWork = 4 * maxMemory // KiB × rounds of Argon2id: half a second
	maxLn        = 17            // scrypt, with r=8: 128 MiB
	maxR         = 8
	maxP         = 4
	maxSalt      = 64  // bytes
	maxDigest    = 512 // characters of a stored hash
)

// A legacyFormat is a kind of hash that other programs make. Its users keep their
// passwords, and their next successful sign-in replaces the hash.
type legacyFormat struct {
	form *regexp.Regexp                                // the only accepted spelling
	asks func(found []string) (tooMuch string)         // the cost beyond the limits, in words; empty: within them
	open func(encoded string) (match matcher, ok bool) // false: the form is right, but no password can match
	cut  int                                           // bytes of a password that the other program hashed; 0: all

	memory func(found []string) int64 // KiB to compute one; nil: hardly any
}

// A matcher reports whether the bytes of text are the password of a hash.
type matcher func(text string) bool

// legacyFormats are the supported kinds. The forms are exact, so that the cost that is
// checked is the cost that is computed.
var legacyFormats = []legacyFormat{
	{form: regexp.MustCompile(`^\{ARGON2\}(\$argon2id\$.+)$`), asks: argonAsks, open: openArgon, memory: argonMemory},
	{form: regexp.MustCompile(`^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$`),
		asks: atMost("a cost of %d", 1, maxBcrypt), open: openBcrypt, cut: bcryptCut},
	{form: regexp.MustCompile(`^\$5\$(?:rounds=([1-9]\d*)\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{42}[./0-9A-D]$`),
		asks: atMost("%d rounds", 1, maxCrypt), open: decoded(shacrypt.Decode)},
	{form: regexp.MustCompile(`^\$6\$(?:rounds=([1-9]\d*)\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{85}[./01]$`),
		asks: atMost("%d rounds", 1, maxCrypt), open: decoded(shacrypt.Decode)},
	{form: regexp.MustCompile(`^\$pbkdf2(?:-sha1|-sha256|-sha512)?\$([1-9]\d*)\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{22,86}$`),
		asks: atMost("%d rounds", 1, maxPBKDF2), open: decoded(pbkdf2.Decode)},
	{form: regexp.MustCompile(`^\$scrypt\$ln=([1-9]\d*),r=([1-9]\d*),p=([1-9]\d*)\$[A-Za-z0-9+/]{1,86}\$[A-Za-z0-9+/]{43}$`),
		asks: scryptAsks, open: decoded(scrypt.Decode), memory: scryptMemory},
	{form: regexp.MustCompile(`^pbkdf2_sha256\$([1-9]\d*)\$([A-Za-z0-9+/._-]{1,64})\$([A-Za-z0-9+/]{43}=)$`),
		asks: atMost("%d rounds", 1, maxPBKDF2), open: openDjango},
	{form: regexp.MustCompile(`^\{SSHA(|256|512)\}([A-Za-z0-9+/]{20,}={0,2})$`), asks: nothing, open: openSalted},
	{form: aspNet, asks: aspNetAsks, open: openAspNet},
}

// schemes maps the prefixes that directories and mail servers put before a hash to
// their form here: some name the kind of hash, others repeat what the hash itself says.
// Programs write them in any case.
var schemes = map[string]string{
	"SSHA": "{SSHA}", "SSHA256": "{SSHA256}", "SSHA512": "{SSHA512}",
	"ARGON2": "", "ARGON2ID": "",
	"CRYPT": "", "BLF-CRYPT": "", "SHA256-CRYPT": "", "SHA512-CRYPT": "",
}

var schemePrefix = regexp.MustCompile(`^\{([A-Za-z0-9-]{1,16})\}`)

// canonical returns the one spelling of a hash that read accepts. It marks an Argon2id
// hash of another program, whose password may have had another form than the passwords
// that are hashed here.
func canonical(encoded string) string {
	if found := schemePrefix.FindStringSubmatch(encoded); found != nil {
		prefix, known := schemes[strings.ToUpper(found[1])]
		if !known {
			return encoded
		}
		encoded = prefix + encoded[len(found[0]):]
	}
	if strings.HasPrefix(encoded, "$argon2id$") {
		return "{ARGON2}" + encoded
	}
	return encoded
}

// read returns the kind of another program's hash; nil if it is not supported.
func read(encoded string) (kind *legacyFormat, found []string) {
	if len(encoded) > maxDigest {
		return nil, nil
	}
	for i := range legacyFormats {
		if found = legacyFormats[i].form.FindStringSubmatch(encoded); found != nil {
			return &legacyFormats[i], found
		}
	}
	return nil, nil
}

// ImportHash returns the stored form of another program's hash. It returns an error for
// the field password_hash if the hash is of no supported kind, if no password can match
// it, or if it costs too much to compute.
func ImportHash(encoded string) (kept string, err error) {
	kept = canonical(encoded)
	kind, found := read(kept)
	if kind == nil {
		return "", unreadableHash()
	}
	if tooMuch := kind.asks(found); tooMuch != "" {
		return "", tooExpensive(tooMuch)
	}
	if _, ok := kind.open(kept); !ok {
		return "", unreadableHash()
	}
	return kept, nil
}

func unreadableHash() error {
	return &countersign.Error{Kind: countersign.KindInvalid, Code: "password_hash.form", Field: "password_hash"}
}

func tooExpensive(what string) error {
	return &countersign.Error{Kind: countersign.KindInvalid, Code: "password_hash.cost", Field: "password_hash", Args: countersign.Args{"What": what}}
}

// A legacyHash is a stored hash of another program, ready to be compared.
type legacyHash struct {
	match  matcher
	cut    int
	memory int64 // KiB that one comparison takes
}

// legacyFormatOf parses another program's hash; nil if it is not one, or costs too much.
// A plain Argon2id hash is this program's own.
func legacyFormatOf(encoded string) *legacyHash {
	if strings.HasPrefix(encoded, "$argon2id$") {
		return nil
	}
	encoded = canonical(encoded)
	kind, found := read(encoded)
	if kind == nil || kind.asks(found) != "" {
		return nil
	}
	match, ok := kind.open(encoded)
	if !ok {
		return nil
	}
	f := &legacyHash{match: match, cut: kind.cut}
	if kind.memory != nil {
		f.memory = kind.memory(found)
	}
	return f
}

// check compares every form in which another program may have hashed the password.
// whole is false if the hash covers only the beginning of the password: the rest is
// unverified, so a hash of all must not replace it. check calls between before each
// comparison, to release the resources of the one before.
func (f *legacyHash) check(password string, between func()) (ok, whole bool) {
	for _, form := range formsOf(password) {
		between()
		if f.match(form) {
			return true, f.cut == 0 || len(form) <= f.cut
		}
	}
	return false, false
}

// codePages are the encodings in which programs hashed passwords before UTF-8: Windows,
// Unix and the console of Windows in countries that write Latin letters.
var codePages = []*charmap.Charmap{charmap.Windows1252, charmap.ISO8859_15, charmap.CodePage850}

// formsOf returns the byte strings that another program may have hashed for a password:
// composed, as typed, decomposed, and in older code pages. An ASCII password has one
// form.
func formsOf(password string) []string {
	composed := norm.NFC.String(password)
	forms := []string{composed}
	add := func(form string) {
		if !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	add(password)
	add(norm.NFD.String(password))
	for _, page := range codePages {
		if form, err := page.NewEncoder().String(composed); err == nil {
			add(form)
		}
	}
	return forms
}

func nothing([]string) string { return "" }

// atMost limits the number in one group of the form. An empty group is the default of
// that kind, which is below every limit.
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

// scryptAsks limits the memory, 128 bytes × 2^ln × r, and how often it is filled.
func scryptAsks(found []string) string {
	for i, most := range []int{maxLn, maxR, maxP} {
		if n, err := strconv.Atoi(found[i+1]); err != nil || n > most {
			return "ln=" + found[1] + ", r=" + found[2] + ", p=" + found[3]
		}
	}
	return ""
}

// scryptMemory returns 128 bytes × 2^ln × r, in KiB, for a hash that scryptAsks accepts.
func scryptMemory(found []string) int64 {
	ln, _ := strconv.Atoi(found[1])
	r, _ := strconv.Atoi(found[2])
	return int64(128*r<<ln) >> 10
}

func argonMemory(found []string) int64 {
	c, _ := costOf(found[1])
	return int64(c.Memory)
}

// argonAsks applies the limits of this program's own hashes to an Argon2id hash.
func argonAsks(found []string) string {
	if c, ok := costOf(found[1]); ok && c.Memory*c.Iterations <= maxArgonWork {
		return ""
	}
	if numbers := phc.FindStringSubmatch(found[1]); numbers != nil {
		return fmt.Sprintf("%s KiB of memory and %s rounds", numbers[1], numbers[2])
	}
	return "" // not the form of an Argon2id hash: openArgon rejects it
}

func openArgon(encoded string) (matcher, bool) {
	encoded = strings.TrimPrefix(encoded, "{ARGON2}")
	if _, ok := costOf(encoded); !ok {
		return nil, false
	}
	return decoded(argon2.DecodeVariant(argon2.VariantID))(encoded)
}

// bcryptCut is how many bytes of a password bcrypt uses.
const bcryptCut = 72

// openBcrypt rejects a cost that bcrypt does not have, and a digest whose last character
// has bits that bcrypt never sets: no password matches it.
func openBcrypt(encoded string) (matcher, bool) {
	if cost := encoded[4:6]; cost < "04" || !strings.ContainsAny(encoded[len(encoded)-1:], bcryptLast) {
		return nil, false
	}
	match, ok := decoded(bcrypt.Decode)(encoded)
	return func(text string) bool { return match(text[:min(len(text), bcryptCut)]) }, ok
}

// bcryptLast are the possible last characters of a bcrypt hash: every fourth of its alphabet.
const bcryptLast = ".CGKOSWaeimquy26"

// decoded returns an open function that uses the library.
func decoded(decode func(string) (algorithm.Digest, error)) func(encoded string) (matcher, bool) {
	return func(encoded string) (matcher, bool) {
		digest, err := decode(encoded)
		if err != nil {
			return nil, false
		}
		return func(text string) bool {
			ok, err := digest.MatchAdvanced(text)
			return err == nil && ok
		}, true
	}
}
