package countersign

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
)

// UserID identifies a user row; what people type is the Login.
type UserID string

// A User is one person of one agency.
type User struct {
	ID                 UserID
	Login              string // the user ID as it is shown: BSMITH
	Name               string
	Email              string    // the profile's address; empty: none
	Mobile             string    // E.164; empty: none
	Password           string    // encoded hash; empty: no password was chosen yet
	PasswordAt         time.Time // when the password was chosen; zero: never
	Broken             bool      // the hash can't be decrypted in this row, so there is none: it was moved or changed (KY-01)
	Rights             []Right   // sorted
	Groups             []string  // sorted
	Disabled           bool
	ResetUntil         time.Time // after Reset/Disable: set-up is open until then; zero: never reset
	ResetBy            string    // who reset: the login, or "operator"
	ResetAt            time.Time
	EnrollmentOpenings int       // how often set-up was opened with the password alone since the reset
	OldEmail           string    // the address that the profile had before; empty: none
	EmailSince         time.Time // when Email was changed last; zero: never
	EnrollmentLeft     bool      // left the wizard before its end: the rest is offered once more
	Enrolled           bool      // has at least one verified method; kept by the store
	Version            int64
	Created            time.Time
	LastSignIn         time.Time // zero: never
}

// Has reports whether the user holds right r.
func (u User) Has(r Right) bool { return slices.Contains(u.Rights, r) }

// FirstName returns the first word of the name, for greetings.
func (u User) FirstName() string {
	first, _, _ := strings.Cut(strings.TrimSpace(u.Name), " ")
	return first
}

// FoldEmail returns the form in which email addresses are compared: without regard to
// case. What is shown and sent keeps its letters.
func FoldEmail(address string) string { return strings.ToLower(address) }

// SameEmail reports whether two addresses are the same.
func SameEmail(a, b string) bool { return FoldEmail(a) == FoldEmail(b) }

// MaxTypedLength is how many bytes of a typed user ID or search are looked at: many more
// than the 64 characters of a user ID have, with what comes along when it is pasted.
const MaxTypedLength = 1024

// FoldLogin returns the form in which user IDs are compared: as CleanID returns them, case
// folded. It returns a space, which no user has, for one that is too long:
// normalizing it would take time before any limit applies (TH-07).
func FoldLogin(login string) string {
	if login = strings.TrimSpace(login); len(login) > MaxTypedLength {
		return " "
	}
	return FoldText(login)
}

// FoldText returns the form in which texts are searched. The caller bounds their length.
func FoldText(text string) string { return cases.Fold().String(CleanID(text)) }

// reservedLogins are parts of paths below /admin/users.
var reservedLogins = []string{"new", "import", "selected", "remind", "resets"}

// CheckLogin returns an error if a user ID can't be given to a new user.
func CheckLogin(login string) error {
	if login == "" {
		return &Error{Kind: KindInvalid, Code: "user_id.required", Field: "user_id"}
	}
	if i := strings.IndexFunc(login, func(r rune) bool { return r > unicode.MaxASCII }); i >= 0 {
		r, _ := utf8.DecodeRuneInString(login[i:])
		return &Error{Kind: KindInvalid, Code: "user_id.character", Field: "user_id", Args: Args{"Character": Character(r)}}
	}
	if len(login) > 64 || strings.ContainsFunc(login, func(r rune) bool { return !isLoginRune(r) }) {
		return &Error{Kind: KindInvalid, Code: "user_id.form", Field: "user_id"}
	}
	if slices.Contains(reservedLogins, FoldLogin(login)) || login == "." || login == ".." {
		return &Error{Kind: KindInvalid, Code: "user_id.reserved", Field: "user_id", Args: Args{"Login": login}}
	}
	return nil
}

func isLoginRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._@-", r)
}

// A Right is a permission by the name that pages and commands show.
type Right string

// The rights.
const (
	RightReset        Right = "Admin-Disable 2 Factor Authentication" // the TechNote's
	RightPreferences  Right = "Admin-System Preferences"
	RightUsers        Right = "Admin-User Administration"
	RightApplications Right = "Admin-Applications"
	RightMessages     Right = "Admin-Messages"
	RightAudit        Right = "Admin-Audit"
	RightOperator     Right = "Operator" // first agency only, given on the host
)

// AgencyRights are the rights that can be given on a user's page, in the order of the page.
var AgencyRights = []Right{RightReset, RightPreferences, RightUsers, RightApplications, RightMessages, RightAudit}

// OfferedRights are those of AgencyRights that allow something already. Pages offer only
// them; add a right together with its first page.
var OfferedRights = []Right{RightReset, RightPreferences, RightUsers, RightMessages}

// KnownRight reports whether r is one of the seven rights.
func KnownRight(r Right) bool { return r == RightOperator || slices.Contains(AgencyRights, r) }

// IsAdministrator reports whether the user holds any right (M4, DV-07).
func (u User) IsAdministrator() bool { return len(u.Rights) > 0 }
