// Package outbox delivers waiting messages: it leases them, renders them, and sends them to
// the mail server or the text gateway. A message's row is both its queue entry and its record.
// No request depends on a delivery.
package outbox

import (
	"context"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"net/url"
	"strconv"
	"strings"
	texttemplate "text/template"
	"time"

	"countersign"
	"countersign/internal/smpp"
	"countersign/internal/wording"
)

// An Outgoing is a message as it is sent.
type Outgoing struct {
	ID        countersign.MessageID // the same at each try: gateways drop duplicates
	Channel   countersign.Channel
	From      string // sender with name; mail only
	To        string // address, or E.164
	Subject   string // mail only
	Text      string
	HTML      string // mail only
	Reference string
	Kind      countersign.MessageKind
	User      countersign.UserID
	Life      time.Duration                                 // how long it is worth delivering; 0: forever
	Callback  string                                        // base URL for the gateway's reports; empty: none
	DKIM      countersign.DKIMKey                           // signs the mail; empty: unsigned
	Route     string                                        // the route that may have it already; empty: none
	Begin     func(ctx context.Context, route string) error // called before a route gets it; may be nil
}

// A page is the content of a mail before it becomes plain text and HTML with the same words.
type page struct {
	Subject    string
	Preview    string // what mail programs show beside the subject
	Title      string
	Body       []block // the wording, of a mail that agencies can word
	Greeting   string
	Facts      []fact
	Paragraphs []paragraph
	Link       string
	LinkName   string
	Agency     string
	Footer     string
}

type fact struct{ Name, Value string }

type paragraph struct{ Strong, Link, LinkName, Text string }

//go:embed letters/*
var files embed.FS

var (
	plainMail = texttemplate.Must(texttemplate.New("mail.txt").ParseFS(files, "letters/mail.txt"))
	htmlMail  = htmltemplate.Must(htmltemplate.New("mail.html").Funcs(htmltemplate.FuncMap{"whole": whole}).ParseFS(files, "letters/mail.html"))
)

// whole keeps phone numbers on one line: mail programs break them at their hyphens.
func whole(text string) htmltemplate.HTML {
	var b strings.Builder
	for _, piece := range countersign.Pieces(text) {
		escaped := htmltemplate.HTMLEscapeString(piece.Text)
		if piece.Whole {
			escaped = `<span style="white-space:nowrap">` + escaped + `</span>`
		}
		b.WriteString(escaped)
	}
	return htmltemplate.HTML(b.String()) // #nosec G203 -- escaped above
}

// Render renders a message in the agency's name. from is the sender's address; p gives the
// help contact and how long tokens work. words is the agency's own wording of this message, if
// any.
func Render(a countersign.Agency, p countersign.Preferences, m countersign.Message, from string, words wording.Texts) (Outgoing, error) {
	l, _, err := render(a, p, m, from, words)
	if err == nil && m.Channel == countersign.ChannelSMS && smpp.Parts(l.Text) > 1 {
		l.Text = facts{agency: a, preferences: p, message: m}.shortText()
	}
	return l, err
}

func render(a countersign.Agency, p countersign.Preferences, m countersign.Message, from string, words wording.Texts) (Outgoing, page, error) {
	a.Name, a.Product = oneLine(a.Name), oneLine(a.Product)
	l := Outgoing{ID: m.ID, Channel: m.Channel, From: from, To: m.To, Reference: m.Reference, Kind: m.Kind, User: m.User}
	own := len(words.Body) > 0
	if !own {
		words = originalWording(m)
	}
	f := facts{agency: a, preferences: p, message: m, words: words}
	if m.Channel == countersign.ChannelSMS {
		l.Text = f.textMessage()
		return l, page{}, nil
	}
	write, ok := templates[m.Kind]
	if !ok {
		return l, page{}, fmt.Errorf("no letter for kind %q", m.Kind)
	}
	content := write(f)
	if len(words.Body) > 0 {
		content.renderCustom(f, words)
	}
	if own && m.Kind != countersign.MessageToken {
		content.Preview = "" // its words would differ from the rest
	}
	content.Agency = a.Name
	content.Footer = footer(a, p, m.Kind)
	content.Subject = oneLine(content.Subject)
	var text, html strings.Builder
	if err := plainMail.Execute(&text, content); err != nil {
		return l, content, err
	}
	if err := htmlMail.Execute(&html, content); err != nil {
		return l, content, err
	}
	l.Subject, l.Text, l.HTML = content.Subject, text.String(), html.String()
	return l, content, nil
}

// textMessage returns a text with token and reference, and as its last line the origin, for
// phones that fill in tokens (SM-03). A product name that would make it two messages is
// shortened, and characters that a 160-character message can't contain are replaced by similar
// ones.
func (f facts) textMessage() string {
	if f.message.Kind == countersign.MessageTest {
		return f.shortened(func(f facts) string {
			return oneLine("This is a test of text messages from " + f.product() + ".")
		})
	}
	last := f.origin()
	if !f.words.Body.Holds(wording.Reference) {
		last = " Reference " + f.message.Reference + "." + last
	}
	return f.shortened(func(f facts) string { return f.words.Body.Fill(f.value) + last })
}

// origin returns the last line of a text with a token.
func (f facts) origin() string {
	u, err := url.Parse(f.agency.URL)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	return fmt.Sprintf("\n@%s #%s", u.Hostname(), f.get("Token"))
}

// shortened returns a text with as much of the product's name as fits into one message.
func (f facts) shortened(write func(facts) string) string {
	product := []rune(f.product())
	for {
		f.agency.Product = strings.TrimSpace(string(product))
		text := smpp.Plainer(write(f))
		if len(product) <= minProduct || smpp.Parts(text) == 1 {
			return text
		}
		product = product[:len(product)-1]
	}
}

// shortText returns a text that fits into one message whatever the names are: without the
// product, and without the origin's line if that alone is too long.
func (f facts) shortText() string {
	if f.message.Kind == countersign.MessageTest {
		return "This is a test of text messages."
	}
	text := fmt.Sprintf("Your token is %s. Reference %s.", f.get("Token"), f.message.Reference)
	if whole := text + f.origin(); smpp.Parts(whole) == 1 {
		return whole
	}
	return text
}

// minProduct is how many characters of the product's name a text message keeps at least when
// it is shortened.
const minProduct = 12

func footer(a countersign.Agency, p countersign.Preferences, k countersign.MessageKind) string {
	text := "You get this mail because you have a user ID at " + a.Name + ". "
	if k == countersign.MessageTest { // the recipient may be anyone
		text = "You get this mail because an administrator of " + a.Name + " sent a test to this address. "
	}
	if p.Help != "" {
		text += "Help: " + sentence(p.Help) + " "
	}
	return text + "Nobody will ever ask you for a token by phone or mail."
}

// oneLine joins lines, so that no name or text can start a new header (NT-02).
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func sentence(text string) string { return strings.TrimRight(strings.TrimSpace(text), ".") + "." }

// facts are the values that fill the sentences of a mail.
type facts struct {
	agency      countersign.Agency
	preferences countersign.Preferences
	message     countersign.Message
	words       wording.Texts // of a message that agencies can word
}

func (f facts) get(key string) string { return oneLine(f.message.Data[key]) }

func (f facts) product() string { return f.agency.ProductName() }

// instant reads a time from the data, in milliseconds.
func (f facts) instant(key string) time.Time {
	ms, err := strconv.ParseInt(f.message.Data[key], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).In(f.agency.Location())
}

// when returns a time with date, zone and UTC (NT-02).
func (f facts) when(key string) string { return f.agency.Instant(f.instant(key)) }

// until returns a time with day, clock and zone.
func (f facts) until(key string) string { return f.agency.Deadline(f.instant(key)) }

// client describes the device that a request came from.
func (f facts) client() string {
	c := countersign.Client{Browser: f.get("Browser"), OS: f.get("OS")}
	if f.get("IP") == "" || f.get("IP") == "unknown" {
		return c.Describe()
	}
	return c.Describe() + ", " + f.get("IP")
}

// askForHelp says whom to contact; without a help contact, the administrator.
func (f facts) askForHelp() string {
	if f.preferences.Help == "" {
		return "tell your administrator at once"
	}
	return "ask for help at once: " + f.help()
}

// life returns how long a token works, in words.
func (f facts) life() string {
	if f.preferences.TokenLife <= countersign.TokenLife {
		return "one to two minutes"
	}
	return strconv.Itoa(int(f.preferences.TokenLife/time.Minute)) + " minutes"
}

// method returns the display name of the method that the mail is about.
func (f facts) method() string {
	switch countersign.Method(f.get("Method")) {
	case countersign.MethodPasskey:
		return strings.TrimSuffix("passkey, "+f.get("Passkey"), ", ")
	case countersign.MethodApp:
		return "authenticator app"
	case countersign.MethodSMS:
		return "SMS"
	case countersign.MethodRecovery:
		return "recovery codes"
	default:
		return "email"
	}
}
