package wording

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"countersign"

	"github.com/agnivade/levenshtein"
)

// The limits on lengths, in characters as they are typed.
const (
	MaxSubject = 150
	MaxBody    = 4000
	MaxText    = 500 // of a text message, before its names are filled in
)

// Read parses the words of a message. It returns an error for each field that does
// not parse, with the place, is empty or too long, or would put the token where it
// must not be (OT-06).
func (k Kind) Read(w countersign.Wording) (words Texts, err error) {
	var wrongSubject, wrongBody error
	if k.Mail() {
		words.Subject, wrongSubject = k.subject(w.Subject)
	}
	words.Body, wrongBody = k.body(w.Body)
	return words, errors.Join(nextTo("subject", wrongSubject), nextTo("body", wrongBody))
}

func (k Kind) subject(typed string) (Text, error) {
	typed = strings.TrimSpace(typed)
	switch {
	case typed == "":
		return nil, refuse("template.no_subject", nil)
	case strings.ContainsFunc(typed, breaks):
		return nil, refuse("template.lines", nil)
	case utf8.RuneCountInString(typed) > MaxSubject:
		return nil, tooLong(typed, MaxSubject)
	}
	t, err := k.parse(typed)
	if err != nil {
		return nil, err
	}
	for _, secret := range secrets {
		if t.Holds(secret) {
			return nil, refuse("template.secret", countersign.Args{"Name": "{" + secret + "}"})
		}
	}
	return t, nil
}

func (k Kind) body(typed string) (Text, error) {
	typed = Tidy(typed)
	most := MaxBody
	if !k.Mail() {
		most = MaxText
	}
	if typed == "" {
		return nil, refuse("template.no_body", nil)
	}
	if utf8.RuneCountInString(typed) > most {
		return nil, tooLong(typed, most)
	}
	t, err := k.parse(typed)
	if err == nil && k.Needs != "" && !t.Holds(k.Needs) {
		return nil, refuse("template.needs", countersign.Args{"Name": "{" + k.Needs + "}"})
	}
	if p, found := t.secretInURL(); found {
		return nil, fault("template.glued", p.At, countersign.Args{"Name": "{" + p.Name + "}"})
	}
	return t, err
}

// parse is Parse with the names of this message.
func (k Kind) parse(typed string) (Text, error) {
	t, err := Parse(typed)
	if err != nil {
		return nil, err
	}
	for _, p := range t {
		if p.Name == "" || slices.Contains(k.Names, p.Name) {
			continue
		}
		args := countersign.Args{"Name": shorten(p.Name), "Names": k.List()}
		if meant := k.nearestName(p.Name); meant != "" {
			args["Meant"] = "{" + meant + "}"
			return nil, fault("template.parse", p.At, args)
		}
		return nil, fault("template.unknown", p.At, args)
	}
	return t, nil
}

// List returns the names as a hint shows them.
func (k Kind) List() string { return "{" + strings.Join(k.Names, "}, {") + "}" }

// nearestName returns the name that was probably meant; empty if none is similar.
func (k Kind) nearestName(typed string) string {
	typed = strings.ToLower(strings.Join(strings.Fields(typed), "_"))
	if utf8.RuneCountInString(typed) > 20 {
		return ""
	}
	nearest := slices.MinFunc(k.Names, func(a, b string) int {
		return cmp.Compare(levenshtein.ComputeDistance(typed, a), levenshtein.ComputeDistance(typed, b))
	})
	if levenshtein.ComputeDistance(typed, nearest) > (len(nearest)+1)/3 {
		return ""
	}
	return nearest
}

func breaks(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// shorten cuts a long name, so that the sentence that quotes it stays readable.
func shorten(name string) string {
	if letters := []rune(name); len(letters) > 40 {
		return string(letters[:40]) + "…"
	}
	return name
}

func tooLong(typed string, most int) error {
	return refuse("template.long", countersign.Args{"Length": utf8.RuneCountInString(typed), "Most": most})
}

func refuse(code string, args countersign.Args) error {
	return &countersign.Error{Kind: countersign.KindInvalid, Code: code, Args: args}
}

// nextTo assigns an error to its field.
func nextTo(field string, err error) error {
	var e *countersign.Error
	if errors.As(err, &e) {
		e.Field = field
	}
	return err
}
