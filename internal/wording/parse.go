// Package wording parses the messages that agencies word themselves: text with names
// in braces, each of which is replaced by a value. It defines the names of each message
// and what its text must contain. It neither sends nor stores anything.
package wording

import (
	"strings"
	"unicode"

	"countersign"
)

// A Text is a parsed text.
type Text []Part

// A Part is a piece of text as it was written, or a name.
type Part struct {
	Name string // empty: this is text
	Text string
	At   Place // of the brace; for names only
}

// A Place is a position in a text, counted from 1, in characters.
type Place struct{ Line, Column int }

// Parse parses a text. Names are in braces; {{ and }} are literal braces. Its error
// names the line and column.
func Parse(text string) (Text, error) {
	p := parser{rest: []rune(Tidy(text)), at: Place{1, 1}}
	for len(p.rest) > 0 {
		if err := p.step(); err != nil {
			return nil, err
		}
	}
	p.flush()
	return p.done, nil
}

// Tidy returns a text as it is stored: lines end with a line feed and without spaces,
// and the text neither begins nor ends with an empty line.
func Tidy(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRightFunc(l, unicode.IsSpace)
	}
	return strings.TrimRight(strings.TrimLeft(strings.Join(lines, "\n"), "\n"), "\n")
}

type parser struct {
	rest []rune
	at   Place
	text strings.Builder
	done Text
}

// step reads one character, one literal brace, or one name.
func (p *parser) step() error {
	r := p.rest[0]
	switch {
	case r != '{' && r != '}':
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return fault("template.control", p.at, nil)
		}
	case len(p.rest) > 1 && p.rest[1] == r:
		p.take(1)
	case r == '{':
		return p.name()
	default:
		return fault("template.close", p.at, nil)
	}
	p.text.WriteRune(r)
	p.take(1)
	return nil
}

// name reads a name with its braces. It must end on its line, so that the error for an
// open brace names that brace and not the end of the text.
func (p *parser) name() error {
	end := 1
	for end < len(p.rest) && !strings.ContainsRune("{}\n", p.rest[end]) {
		end++
	}
	if end == len(p.rest) || p.rest[end] != '}' {
		return fault("template.open", p.at, nil)
	}
	name := strings.TrimSpace(string(p.rest[1:end]))
	if name == "" {
		return fault("template.empty", p.at, nil)
	}
	p.flush()
	p.done = append(p.done, Part{Name: name, At: p.at})
	p.take(end + 1)
	return nil
}

// take advances by n characters.
func (p *parser) take(n int) {
	for _, r := range p.rest[:n] {
		p.at.Column++
		if r == '\n' {
			p.at = Place{p.at.Line + 1, 1}
		}
	}
	p.rest = p.rest[n:]
}

// flush ends a piece of text.
func (p *parser) flush() {
	if p.text.Len() > 0 {
		p.done = append(p.done, Part{Text: p.text.String()})
		p.text.Reset()
	}
}

// Holds reports whether the text contains a name.
func (t Text) Holds(name string) bool {
	for _, p := range t {
		if p.Name == name {
			return true
		}
	}
	return false
}

// Fill returns the text with the value of each name.
func (t Text) Fill(value func(name string) string) string {
	var b strings.Builder
	for _, p := range t {
		if p.Name != "" {
			b.WriteString(value(p.Name))
			continue
		}
		b.WriteString(p.Text)
	}
	return b.String()
}

// A Line holds the parts of a line. In a filled line, the Text of a name is its value.
type Line []Part

// Paragraphs returns the lines of the filled text, split into paragraphs at empty
// lines. A value never begins a new line.
func (t Text) Paragraphs(value func(name string) string) (all [][]Line) {
	var paragraph []Line
	for _, l := range append(t.lines(value), nil) {
		if len(l) > 0 {
			paragraph = append(paragraph, l)
		} else if len(paragraph) > 0 {
			all, paragraph = append(all, paragraph), nil
		}
	}
	return all
}

func (t Text) lines(value func(name string) string) []Line {
	lines := []Line{nil}
	add := func(p Part) { lines[len(lines)-1] = append(lines[len(lines)-1], p) }
	for _, p := range t {
		if p.Name != "" {
			p.Text = value(p.Name)
			add(p)
			continue
		}
		for i, text := range strings.Split(p.Text, "\n") {
			if i > 0 {
				lines = append(lines, nil)
			}
			if text != "" {
				add(Part{Text: text})
			}
		}
	}
	return lines
}

func fault(code string, at Place, args countersign.Args) error {
	all := countersign.Args{"Line": at.Line, "Column": at.Column}
	for k, v := range args {
		all[k] = v
	}
	return &countersign.Error{Kind: countersign.KindInvalid, Code: code, Args: all}
}
