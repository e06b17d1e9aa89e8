package web

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"countersign"
)

// A column of the table of preferences.
type column struct{ Key, Name string }

var preferenceColumns = []column{{"name", "Preference"}, {"code", "Code"}, {"value", "Value"}}

// funcs holds the functions that templates may call.
var funcs = template.FuncMap{
	"icon":     icon,
	"field":    newField,
	"tries":    tries,
	"days":     days,
	"count":    countersign.Count,
	"dialled":  func(number string) template.HTML { return unbroken(formatPhone(number)) },
	"unbroken": unbroken,
	"join":     func(words []string) string { return strings.Join(words, " ") },
	"person":   actorName,
	"shown":    shownRights,
	"capital":  upperFirst,
	"add":      func(i int) int { return i + 1 },
	"columns":  func() []column { return preferenceColumns },
	"asset":    asset,
	"phone":    phoneIn,
	"ending":   func(number string) string { return masked(countersign.MethodSMS, number) },
	"newUserHint": func(isNew bool) string {
		if isNew {
			return "The link to choose a password goes there."
		}
		return "Without one two factor authentication cannot be set up."
	},
	"usernames": func(passkey string) string {
		if passkey == "" {
			return "username"
		}
		return "username webauthn" // the browser offers passkeys together with user IDs
	},
	"empty": func(text string) bool { return text == "" },
	"emailHint": func(onFile string, other bool) string {
		if onFile == "" {
			return "Your User Profile has none. The address that you enter is used only for two factor authentication."
		}
		if other {
			return "From your User Profile. You may enter a different address to be used only for two factor authentication."
		}
		return "From your User Profile."
	},
	"passwordHint": func(shortest int) string {
		return "At least " + strconv.Itoa(shortest) + " characters. A few words in a row are fine, spaces too."
	},
}

// A field is an input with label, hint and error.
type field struct {
	ID, Name, Label, Value, Type, Hint, Error, Complete, Capital string
	Optional, Focus                                              bool
	Sometimes                                                    bool // the label says when it is required
	Calm                                                         bool // another field gets the focus, though this one is wrong too
}

// newField makes a field for a template. options are pairs of name and value.
func newField(id, name, label, value string, options ...any) (field, error) {
	f := field{ID: id, Name: name, Label: label, Value: value, Type: "text"}
	for i := 0; i+1 < len(options); i += 2 {
		switch option := options[i]; option {
		case "type":
			f.Type = options[i+1].(string)
		case "hint":
			f.Hint = options[i+1].(string)
		case "error":
			f.Error = options[i+1].(string)
		case "complete":
			f.Complete = options[i+1].(string)
		case "capital":
			f.Capital = options[i+1].(string)
		case "optional":
			f.Optional = options[i+1].(bool)
		case "sometimes":
			f.Sometimes = options[i+1].(bool)
		case "focus":
			f.Focus = options[i+1].(bool)
		case "calm":
			f.Calm = options[i+1].(bool)
		default:
			return f, fmt.Errorf("no option %v of a field", option)
		}
	}
	return f, nil
}

func days(n int) string { return countersign.Count(n, "day") }
