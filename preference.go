package countersign

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// A PreferenceKind says which values a preference takes.
type PreferenceKind string

// The kinds of preferences.
const (
	PreferenceSwitch PreferenceKind = "switch" // On, Off, or empty
	PreferenceDays   PreferenceKind = "days"   // whole days within Min and Max
	PreferenceNumber PreferenceKind = "number" // a whole number within Min and Max
	PreferenceChoice PreferenceKind = "choice" // one of Values
	PreferenceText   PreferenceKind = "text"   // up to 500 characters on one line
)

// A Preference is one row of System Preferences: what it is called, and which
// values it takes. The values of an agency are kept apart from it.
type Preference struct {
	Code    string
	Name    string
	Hint    string
	Group   string // heading under which the table shows it
	Kind    PreferenceKind
	Default string   // what an empty value means; empty: nothing, shown as "select..."
	Min     int      // days and number
	Max     int      // days and number
	Empty   string   // what an empty value means, in words, where Default does not say it
	Values  []string // choice
	AtOnce  bool     // it applies at once; else at the next sign-in
	Own     bool     // declared by the operator for an application
}

// The codes of the built-in preferences.
const (
	PrefTwoFactor     = "2FA"
	PrefFrequency     = "2FAFREQUENCY"
	PrefAdminAlways   = "2FAADMINALWAYS"
	PrefEmailOther    = "2FAEMAILOTHER"
	PrefEmailFallback = "2FAEMAILFALLBACK"
	PrefSelfReset     = "2FASELFRESET"
	PrefNetwork       = "2FANETWORK"
	PrefPasskey       = "PASSKEYSIGNIN"
	PrefPassword      = "PASSWORDLENGTH"
	PrefIdle          = "SESSIONIDLE"
	PrefMax           = "SESSIONMAX"
	PrefToken         = "TOKENMINUTES"
	PrefPhoneShare    = "PHONESHARE"
	PrefCountries     = "SMSCOUNTRIES"
	PrefTexts         = "SMSDAILY"
	PrefHelp          = "HELPCONTACT"
)

// The groups of the built-in preferences.
const (
	GroupTwoFactor = "Two factor authentication"
	GroupSessions  = "Passwords and sessions"
	GroupMessages  = "Tokens and text messages"
	GroupHelp      = "Help"
)

// BuiltIn returns the preferences of every agency, the TechNote's two first.
func BuiltIn() []Preference {
	return []Preference{
		{Code: PrefTwoFactor, Group: GroupTwoFactor, Name: "Turn on two factor authentication", Kind: PreferenceSwitch,
			Hint: "On: all users need a second factor besides their password. Not set counts as Off."},
		{Code: PrefFrequency, Group: GroupTwoFactor, Name: "Two factor authentication frequency", Kind: PreferenceDays, Default: "30", Max: 365,
			Hint: "Days until a token is asked again on each device. 0: at every sign-in. Empty: 30."},
		{Code: PrefAdminAlways, Group: GroupTwoFactor, Name: "Always ask administrators", Kind: PreferenceSwitch, Default: "Off",
			Hint: "On: users with any right are asked for a token at every sign-in, whatever the frequency."},
		{Code: PrefEmailOther, AtOnce: true, Group: GroupTwoFactor, Name: "A different email address for two factor", Kind: PreferenceChoice, Default: OtherConfirm,
			Values: []string{OtherConfirm, OtherAllow, OtherNo},
			Hint:   "Confirm: the address in the profile proves itself first. Allow: the typed address alone. No: only the address in the profile."},
		{Code: PrefEmailFallback, AtOnce: true, Group: GroupTwoFactor, Name: "Email as another way to get a token", Kind: PreferenceSwitch, Default: "On",
			Hint: "On: who has trouble with the app or SMS can ask for the token by email."},
		{Code: PrefSelfReset, AtOnce: true, Group: GroupTwoFactor, Name: "Users may reset their own two factor authentication", Kind: PreferenceSwitch, Default: "On",
			Hint: "Off: only an administrator with the right for it can reset."},
		{Code: PrefNetwork, Group: GroupTwoFactor, Name: "Same network means", Kind: PreferenceChoice, Default: NetworkExact,
			Values: []string{NetworkExact, NetworkNeighborhood, NetworkAny},
			Hint:   "Exact: the same address. Neighborhood: an address nearby. Any: only browser and system count."},
		{Code: PrefPasskey, AtOnce: true, Group: GroupSessions, Name: "Passkey alone may sign in", Kind: PreferenceSwitch, Default: "Off",
			Hint: "On: a passkey that checks fingerprint, face or PIN is the whole sign-in; no password is asked."},
		{Code: PrefPassword, AtOnce: true, Group: GroupSessions, Name: "Shortest password", Kind: PreferenceNumber, Default: "15", Min: 8, Max: 64,
			Hint: "Characters that a new password needs at least."},
		{Code: PrefIdle, AtOnce: true, Group: GroupSessions, Name: "Minutes until an idle session ends", Kind: PreferenceNumber, Default: "60", Min: 5, Max: 60,
			Hint: "Counted from the last page that was opened."},
		{Code: PrefMax, AtOnce: true, Group: GroupSessions, Name: "Hours until every session ends", Kind: PreferenceNumber, Default: "24", Min: 1, Max: 24,
			Hint: "Counted from the sign-in."},
		{Code: PrefToken, AtOnce: true, Group: GroupMessages, Name: "Minutes that a token works", Kind: PreferenceNumber, Min: 3, Max: 10, Empty: "2 minutes",
			Hint: "Empty: two minutes. Otherwise 3 to 10, for mail that arrives late."},
		{Code: PrefPhoneShare, AtOnce: true, Group: GroupMessages, Name: "Users who may share a mobile number", Kind: PreferenceNumber, Default: "5", Min: 1, Max: 20,
			Hint: "How many users may get their tokens on one phone. Fewer is safer: a shared phone doesn't show who signs in."},
		{Code: PrefCountries, AtOnce: true, Group: GroupMessages, Name: "Countries for text messages", Kind: PreferenceText, Default: "US",
			Hint: "Two-letter country codes with spaces between them, for example US CA."},
		{Code: PrefTexts, AtOnce: true, Group: GroupMessages, Name: "Text messages in a day", Kind: PreferenceNumber, Default: "500", Min: 0, Max: 100000,
			Hint: "No more are sent, so that nobody runs up a bill. Administrators are told at 80 of 100."},
		{Code: PrefHelp, AtOnce: true, Group: GroupHelp, Name: "Help contact", Kind: PreferenceText,
			Hint: "Who helps when somebody is stuck, for example: Acme support desk, 614-555-0100. Shown on every sign-in page and in every letter."},
	}
}

// Values of the choices.
const (
	OtherConfirm = "Confirm"
	OtherAllow   = "Allow"
	OtherNo      = "No"

	NetworkExact        = "Exact"
	NetworkNeighborhood = "Neighbourhood"
	NetworkAny          = "Any"
)

// Parse returns the stored form of a typed value, or an error for its field (M5). Empty is
// always valid: the default.
func (p Preference) Parse(typed string) (string, error) {
	value := CleanText(typed)
	if value == "" {
		return "", nil
	}
	switch p.Kind {
	case PreferenceSwitch:
		return p.choose(value, []string{"On", "Off"})
	case PreferenceChoice:
		return p.choose(value, p.Values)
	case PreferenceDays, PreferenceNumber:
		return p.number(value)
	}
	if len([]rune(value)) > 500 || !IsLine(value) {
		return "", p.refuse("preference.not_text", value)
	}
	if p.Code == PrefCountries {
		return p.countries(value)
	}
	return value, nil
}

func (p Preference) choose(value string, from []string) (string, error) {
	for _, v := range from {
		if strings.EqualFold(v, value) || strings.EqualFold(choiceText(v), value) {
			return v, nil
		}
	}
	return "", p.refuse("preference.not_choice", value)
}

// choiceText returns a choice for people. The stored value keeps its spelling, which nodes,
// files and scripts already use.
func choiceText(value string) string {
	if value == NetworkNeighborhood {
		return "Neighborhood"
	}
	return value
}

func (p Preference) number(value string) (string, error) {
	n, err := strconv.Atoi(value)
	digits := !strings.ContainsFunc(value, func(r rune) bool { return r < '0' || r > '9' })
	if err != nil || !digits || n < p.Min || n > p.Max {
		if p.Kind == PreferenceDays {
			return "", p.refuse("preference.not_days", value)
		}
		return "", p.refuse("preference.not_number", value)
	}
	return strconv.Itoa(n), nil
}

func (p Preference) countries(value string) (string, error) {
	codes := strings.FieldsFunc(strings.ToUpper(value), func(r rune) bool { return r == ' ' || r == ',' || r == ';' })
	for _, c := range codes {
		if len(c) != 2 || c[0] < 'A' || c[0] > 'Z' || c[1] < 'A' || c[1] > 'Z' {
			return "", p.refuse("preference.not_countries", c)
		}
	}
	var once []string // in the order in which they were typed: the first is offered first
	for _, c := range codes {
		if !slices.Contains(once, c) {
			once = append(once, c)
		}
	}
	return strings.Join(once, " "), nil
}

func (p Preference) refuse(code, value string) error {
	return &Error{Kind: KindInvalid, Code: code, Field: "value", Args: Args{
		"Value": value, "Min": p.Min, "Max": p.Max, "Default": p.Default, "Values": p.Values, "Name": p.Name}}
}

// Show returns the value for the table: "On", "30 (default)", "select...".
func (p Preference) Show(value string) string {
	switch {
	case value != "" && p.Kind == PreferenceChoice:
		return choiceText(value)
	case value != "":
		return value
	case p.Default != "":
		return p.Default + " (default)"
	case p.Empty != "":
		return p.Empty + " (default)"
	case p.Kind == PreferenceSwitch || p.Kind == PreferenceChoice:
		return "select..."
	default:
		return ""
	}
}

// CheckDeclared returns an error if a preference that an operator declared for an
// application is not valid.
func (p Preference) CheckDeclared() error {
	bad := func(code string) error {
		return &Error{Kind: KindInvalid, Code: code, Field: "preference", Args: Args{"Code": p.Code}}
	}
	if p.Code == "" || len(p.Code) > 32 || strings.ContainsFunc(p.Code, func(r rune) bool {
		return !('A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_')
	}) {
		return bad("declared.code")
	}
	if slices.ContainsFunc(BuiltIn(), func(b Preference) bool { return b.Code == p.Code }) {
		return bad("declared.taken")
	}
	if p.Name == "" {
		return bad("declared.name")
	}
	if !slices.Contains([]PreferenceKind{PreferenceSwitch, PreferenceDays, PreferenceNumber, PreferenceChoice, PreferenceText}, p.Kind) {
		return bad("declared.kind")
	}
	if _, err := p.Parse(p.Default); err != nil {
		return bad("declared.default")
	}
	return nil
}

// A Setting is the value of one preference in one agency.
type Setting struct {
	Code    string
	Value   string // empty: not set, the default applies
	Version int64  // of the last change; 0: never changed
	Changed time.Time
	By      string
	Reason  string
}

// Preferences holds the settings of an agency as package policy reads them.
type Preferences struct {
	TwoFactor      bool          // 2FA
	Since          time.Time     // when 2FA was last turned on; zero: never
	Switched       Setting       // 2FA as it is stored: who changed it last, when and why
	Days           int           // 2FAFREQUENCY: 0 asks every time
	AdminAlways    bool          // 2FAADMINALWAYS
	EmailOther     string        // 2FAEMAILOTHER: Confirm, Allow, No
	EmailFallback  bool          // 2FAEMAILFALLBACK
	SelfReset      bool          // 2FASELFRESET
	Network        string        // 2FANETWORK: Exact, Neighbourhood, Any
	PasskeySignIn  bool          // PASSKEYSIGNIN: a passkey may be the whole sign-in
	PasswordLength int           // PASSWORDLENGTH, code points
	Idle           time.Duration // SESSIONIDLE
	Max            time.Duration // SESSIONMAX
	TokenLife      time.Duration // TOKENMINUTES, otherwise TokenLife
	PhoneShare     int           // PHONESHARE
	Countries      []string      // SMSCOUNTRIES, ISO 3166
	Texts          int           // SMSDAILY
	Help           string        // HELPCONTACT
	Damaged        []string      // codes whose stored value can't be read; they act as their safest value
}

// ParsePreferences reads the stored settings of an agency. A damaged frequency
// acts as 0: it asks every time.
func ParsePreferences(settings map[string]Setting) Preferences {
	var damaged []string
	value := func(code string) string {
		i := slices.IndexFunc(BuiltIn(), func(p Preference) bool { return p.Code == code })
		p := BuiltIn()[i]
		v, err := p.Parse(settings[code].Value)
		if err != nil {
			damaged = append(damaged, code)
			if code == PrefFrequency {
				return "0"
			}
			if code == PrefTwoFactor {
				return "On"
			}
		}
		if v == "" {
			return p.Default
		}
		return v
	}
	number := func(code string) int {
		n, _ := strconv.Atoi(value(code)) // Parse has seen it, or it is empty
		return n
	}
	p := Preferences{
		TwoFactor:      value(PrefTwoFactor) == "On",
		Switched:       settings[PrefTwoFactor],
		Days:           number(PrefFrequency),
		AdminAlways:    value(PrefAdminAlways) == "On",
		EmailOther:     value(PrefEmailOther),
		EmailFallback:  value(PrefEmailFallback) == "On",
		SelfReset:      value(PrefSelfReset) == "On",
		Network:        value(PrefNetwork),
		PasskeySignIn:  value(PrefPasskey) == "On",
		PasswordLength: number(PrefPassword),
		Idle:           time.Duration(number(PrefIdle)) * time.Minute,
		Max:            time.Duration(number(PrefMax)) * time.Hour,
		TokenLife:      time.Duration(number(PrefToken)) * time.Minute,
		PhoneShare:     number(PrefPhoneShare),
		Countries:      strings.Fields(value(PrefCountries)),
		Texts:          number(PrefTexts),
		Help:           value(PrefHelp),
	}
	if p.TwoFactor {
		p.Since = settings[PrefTwoFactor].Changed
	}
	if p.TokenLife == 0 {
		p.TokenLife = TokenLife
	}
	p.Damaged = damaged
	return p
}

// TokenLife is how long a token works unless the agency chose longer (M32, OT-02).
const TokenLife = 2 * time.Minute
