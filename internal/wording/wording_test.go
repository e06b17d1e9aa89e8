package wording_test

import (
	"errors"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/wording"
)

func value(name string) string { return "<" + name + ">" }

// A name becomes its value; a doubled brace becomes a brace.
func TestParse(t *testing.T) {
	for typed, want := range map[string]string{
		"":                             "",
		"no names":                     "no names",
		"Your {product} is {token}.":   "Your <product> is <token>.",
		"{ product }":                  "<product>",
		"{{product}} and {{{token}}}":  "{product} and {<token>}",
		"a }} b {{":                    "a } b {",
		"{token}{token}":               "<token><token>",
		"ünï {product} — 漢字":           "ünï <product> — 漢字",
		"one\r\ntwo\rthree\n":          "one\ntwo\nthree",
		"\n\n  first line  \n\nlast  ": "  first line\n\nlast",
		"tab\there":                    "tab\there",
	} {
		text, err := wording.Parse(typed)
		if err != nil {
			t.Errorf("%q: %v", typed, err)
			continue
		}
		if got := text.Fill(value); got != want {
			t.Errorf("%q: got %q, want %q", typed, got, want)
		}
	}
}

// Errors name line and column, counted from 1 in characters.
func TestParseSaysWhere(t *testing.T) {
	for _, c := range []struct {
		typed, code  string
		line, column int
	}{
		{"{", "template.open", 1, 1},
		{"Your {product", "template.open", 1, 6},
		{"Ünï—漢 {product", "template.open", 1, 7},
		{"one\n\nthree {token\n}", "template.open", 3, 7},
		{"one\r\ntwo }", "template.close", 2, 5},
		{"{token}}", "template.close", 1, 8},
		{"{product {token}", "template.open", 1, 1},
		{"{}", "template.empty", 1, 1},
		{"a {  }", "template.empty", 1, 3},
		{"line\nbell \a", "template.control", 2, 6},
		{"{{ {x", "template.open", 1, 4},
	} {
		_, err := wording.Parse(c.typed)
		var e *countersign.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Args["Line"] != c.line || e.Args["Column"] != c.column {
			t.Errorf("%q: %v %+v", c.typed, err, e)
		}
	}
}

// Every original text is valid and contains what it must.
func TestOriginals(t *testing.T) {
	names := map[string]bool{}
	for _, k := range wording.Kinds {
		if names[k.Name] {
			t.Errorf("%s stands there twice", k.Name)
		}
		names[k.Name] = true
		words := k.Originals()
		if k.Needs != "" && !words.Body.Holds(k.Needs) {
			t.Errorf("%s lacks {%s}", k.Name, k.Needs)
		}
		if got, ok := wording.For(k.Message, k.Channel); !ok || got.Name != k.Name {
			t.Errorf("%s is not found by its message", k.Name)
		}
		if got := wording.Tidy(k.Body); got != k.Body {
			t.Errorf("%s would be kept as another text", k.Name)
		}
	}
	if _, ok := wording.For(countersign.MessageNewConnection, countersign.ChannelEmail); ok {
		t.Error("a warning can be worded")
	}
}

// Each field gets its own error, both at once, and a misspelled name gets a suggestion
// (OT-06: no token in a subject, none without a token in its text).
func TestRead(t *testing.T) {
	long := strings.Repeat("x", wording.MaxBody+1)
	for _, c := range []struct{ kind, subject, body, wrong string }{
		{"token", "Your {product} token", "It is {token}", ""},
		{"token", "Your {product} token", "Ihr Code: {token} für {product}", ""},
		{"token", "", "It is {token}", "subject template.no_subject"},
		{"token", "  ", " \n ", "subject template.no_subject, body template.no_body"},
		{"token", "Token {token}", "It is {token}", "subject template.secret"},
		{"token", "One\r\nBcc: x@y.example", "It is {token}", "subject template.lines"},
		{"token", "One\u2028two", "It is {token}", "subject template.lines"},
		{"token", "Hello", "It is {tokne}", "body template.parse {token}"},
		{"token", "Hello {produkt}", "It is {token}", "subject template.parse {product}"},
		{"token", "Hello {Product}", "It is {User ID}", "subject template.parse {product}, body template.parse {user_id}"},
		{"token", "Hello", "It is {token} {link}", "body template.unknown"},
		{"token", "Hello", "It is {token} {" + strings.Repeat("a", 3000) + "}", "body template.unknown"},
		{"token", "Hello", "It is here", "body template.needs"},
		{"token", "Hello", "It is {{token}}", "body template.needs"},
		{"token", "Hello", "https://evil.example/{token}", "body template.glued"},
		{"token", "Hello", "It is {token}. See https://evil.example/?t={token}&x", "body template.glued"},
		{"token", "Hello", "evil.example?{token}", "body template.glued"},
		{"token", "Hello", "{token}.evil.example", "body template.glued"},
		{"token", "Hello", "evil.{token}", "body template.glued"},
		{"token", "Hello", "mailto:x@evil.example?body={token}", "body template.glued"},
		{"token", "Hello", "{product}{token}", "body template.glued"},
		{"token", "Hello", "{token}{agency}", "body template.glued"},
		{"token", "Hello", "//{reference}-{token}", "body template.glued"},
		{"token", "Hello", "See https://acme.example/help. {reference}-{token}, ({token}), #{token}... Code:{token}.", ""},
		{"token-sms", "", "https://evil.example/{token}", "body template.glued"},
		{"token", "Hello", "您的验证码是{token}。两分钟内有效。", ""},
		{"activation", "Welcome", "Go:\nhttps://evil.example/?to={link}", "body template.glued"},
		{"activation", "Welcome", "Go to <{link}>.\n\n{link}\nhttps://acme.example/help", ""},
		{"token", strings.Repeat("x", wording.MaxSubject+1), "{token}" + long, "subject template.long, body template.long"},
		{"token-sms", "whatever {x}", "{token}", ""},
		{"token-sms", "", "{token} {help}", "body template.unknown"},
		{"token-sms", "", "{token}" + strings.Repeat("x", wording.MaxText), "body template.long"},
		{"activation", "Welcome", "No way in", "body template.needs"},
		{"activation", "Welcome {link}", "{link}", "subject template.secret"},
		{"invitation", "Set up", "Please set up.", ""},
		{"invitation", "Set up", "Please set up: {link}", "body template.unknown"},
	} {
		k, _ := wording.Of(c.kind)
		_, err := k.Read(countersign.Wording{Subject: c.subject, Body: c.body})
		if got := wrongs(err); c.wrong == "" && got != "" || !strings.HasPrefix(got, c.wrong) {
			t.Errorf("%s %.40q %.40q: got %q, want %q", c.kind, c.subject, c.body, got, c.wrong)
		}
	}
}

func wrongs(err error) string {
	var all []string
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			var e *countersign.Error
			if errors.As(one, &e) {
				meant, _ := e.Args["Meant"].(string)
				all = append(all, strings.TrimSpace(e.Field+" "+e.Code+" "+meant))
			}
		}
	}
	return strings.Join(all, ", ")
}

// A paragraph ends at an empty line, and a value begins no new one.
func TestParagraphs(t *testing.T) {
	text, err := wording.Parse("one\ntwo {name}\n\n\nthree")
	if err != nil {
		t.Fatal(err)
	}
	all := text.Paragraphs(func(string) string { return "x\n\ny" })
	if len(all) != 2 || len(all[0]) != 2 || len(all[1]) != 1 || all[0][1][1].Text != "x\n\ny" {
		t.Errorf("%+v", all)
	}
}

// Any text parses, or is refused with a place that exists. A parsed text, filled with its
// own names, is the original again.
func FuzzParse(f *testing.F) {
	for _, k := range wording.Kinds {
		f.Add(k.Body)
	}
	for _, seed := range []string{"{", "}", "{{}}", "{a\n}", "\r\r\n", "ü{", "{ token }", "\u2028{x}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		text, err := wording.Parse(typed)
		var e *countersign.Error
		if errors.As(err, &e) {
			lines := strings.Split(wording.Tidy(typed), "\n")
			line, column := e.Args["Line"].(int), e.Args["Column"].(int)
			if line < 1 || line > len(lines) || column < 1 || column > len([]rune(lines[line-1])) {
				t.Fatalf("%q: %s at %d:%d", typed, e.Code, line, column)
			}
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", typed, err)
		}
		double := strings.NewReplacer("{", "{{", "}", "}}")
		var back strings.Builder
		for _, p := range text {
			if p.Name != "" {
				back.WriteString("{" + p.Name + "}")
				continue
			}
			back.WriteString(double.Replace(p.Text))
		}
		again, err := wording.Parse(back.String())
		if err != nil || again.Fill(value) != text.Fill(value) {
			t.Fatalf("%q came back as %q: %v", typed, back.String(), err)
		}
		text.Paragraphs(value)
	})
}
