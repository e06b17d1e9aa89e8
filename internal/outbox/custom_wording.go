package outbox

import (
	"cmp"
	"strings"

	"countersign"
	"countersign/internal/wording"
)

// A block is one paragraph of an agency's wording, or of the original text: the same words as
// plain text and as runs for the HTML part.
type block struct {
	Plain string
	Runs  []Run
}

// A Run is a piece of a paragraph as the HTML part shows it.
type Run struct {
	Text   string
	Token  bool   // the token within a sentence
	Box    bool   // the token at the end of its paragraph, shown large
	Link   string // target of the link
	Break  bool   // line break
	Strong bool
}

// renderCustom fills a page with the wording of its message. A first paragraph of one line
// that is no sentence becomes the title.
func (p *page) renderCustom(f facts, w wording.Texts) {
	p.Subject = w.Subject.Fill(f.value)
	paragraphs := w.Body.Paragraphs(f.value)
	if len(paragraphs) > 1 && isTitle(paragraphs[0]) {
		p.Title, paragraphs = plainOf(paragraphs[0]), paragraphs[1:]
	}
	for _, lines := range paragraphs {
		p.Body = append(p.Body, block{Plain: plainOf(lines), Runs: runsOf(lines)})
	}
}

func isTitle(lines []wording.Line) bool {
	if len(lines) != 1 {
		return false
	}
	for _, part := range lines[0] {
		if part.Name == wording.Token || part.Name == wording.Link {
			return false
		}
	}
	text := strings.TrimSpace(plainOf(lines))
	return text != "" && len([]rune(text)) <= 100 && !strings.ContainsAny(text[len(text)-1:], ".:!?,;")
}

func plainOf(lines []wording.Line) string {
	var all []string
	for _, l := range lines {
		all = append(all, textOf(l))
	}
	return strings.Join(all, "\n")
}

func textOf(l wording.Line) string {
	var b strings.Builder
	for _, part := range l {
		b.WriteString(part.Text)
	}
	return b.String()
}

// runsOf returns the runs of a paragraph for the HTML part. A link on its own line gets the
// line before it as its text, if that ends with a colon.
func runsOf(lines []wording.Line) (runs []Run) {
	last := len(lines) - 1
	for i := 0; i <= last; i++ {
		if len(runs) > 0 {
			runs = append(runs, Run{Break: true})
		}
		name := textOf(lines[i])
		if i < last && isLink(lines[i+1]) && len(name) > 1 && strings.HasSuffix(name, ":") {
			runs = append(runs, Run{Text: strings.TrimSuffix(name, ":"), Link: lines[i+1][0].Text})
			i++
			continue
		}
		for j, part := range lines[i] {
			runs = append(runs, runOf(part, i == last && j == len(lines[i])-1))
		}
	}
	return runs
}

func isLink(l wording.Line) bool { return len(l) == 1 && l[0].Name == wording.Link }

func runOf(part wording.Part, ends bool) Run {
	r := Run{Text: part.Text}
	switch part.Name {
	case wording.Token:
		r.Token, r.Box = !ends, ends
	case wording.Link:
		r.Link = part.Text
	}
	return r
}

// value returns the value of a placeholder.
func (f facts) value(name string) string {
	switch name {
	case wording.Product:
		return f.product()
	case wording.Agency:
		return f.agency.Name
	case wording.Help:
		return f.help()
	case wording.Token:
		return f.get("Token")
	case wording.Reference:
		return f.message.Reference
	case wording.Life:
		return f.life()
	case wording.Expires:
		return f.expires()
	case wording.Name:
		return cmp.Or(f.get("Name"), f.get("UserID"))
	case wording.UserID:
		return f.get("UserID")
	case wording.Link:
		return f.message.Data["Link"]
	case wording.By:
		return f.get("By")
	case wording.Device:
		return f.client()
	default:
		return ""
	}
}

// help returns whom to contact, for the middle of a sentence.
func (f facts) help() string {
	if f.preferences.Help == "" {
		return "your administrator"
	}
	return strings.TrimRight(oneLine(f.preferences.Help), ".")
}

// expires returns until when the token or the link works.
func (f facts) expires() string {
	if f.message.Kind == countersign.MessageToken {
		return f.agency.Clock(f.message.Expires) + " " + f.agency.ZoneName()
	}
	return f.until("Until")
}

// originalWording returns the original wording of a message.
func originalWording(m countersign.Message) wording.Texts {
	if k, ok := wording.For(m.Kind, m.Channel); ok {
		return k.Originals()
	}
	return wording.Texts{}
}
