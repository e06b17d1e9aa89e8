// Package outbox delivers what waits: it claims messages by lease, renders
// their letters, and hands them to the mail server or the text gateway. The row
// of a message is its queue and its receipt; no deed waits for a delivery.
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

// A Outgoing is a message as it is sent.
type Outgoing struct {
	ID        countersign.MessageID // the same at each try: gateways drop a second one
	Channel   countersign.Channel
	From      string // sender with name; mail only
	To        string // address, or E.164
	Subject   string // mail only
	Text      string
	HTML      string // mail only
	Reference string
	Kind      countersign.MessageKind
	User      countersign.UserID
	Life      time.Duration                                 // how long it is worth delivering; 0: for ever
	Callback  string                                        // base URL that gateways can tell of it; empty: none
	DKIM      countersign.DKIMKey                           // signs it; empty: nothing does
	Route     string                                        // the way out that may have it already; empty: none
	Begin     func(ctx context.Context, route string) error // told before a way out gets it; nil: nobody wants to know
}

// A page is the content of a letter before it becomes plain text and HTML: both
// say the same words.
type page struct {
	Subject    string
	Preview    string // what mail programs show beside the subject
	Title      string
	Body       []block // of a letter that agencies can word
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

// Render writes the letter of a message in the agency's name. from is the
// sender's address; p gives the help contact and how long tokens work. words
// are the agency's own, where it has some for this message.
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
		content.Preview = "" // it would be in other words than the rest
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

// textMessage is a text with token and reference, and as its last line the
// origin that a phone may offer the token to (SM-03). A product's name that
// would make two messages of it is shortened, and letters that no text message
// of 160 has are replaced by those that stand for them.
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

// origin is the last line of a text with a token.
func (f facts) origin() string {
	u, err := url.Parse(f.agency.URL)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	return fmt.Sprintf("\n@%s #%s", u.Hostname(), f.get("Token"))
}

// shortened is a text with as much of the product's name as leaves one message.
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

// shortText is a text that is one message whatever the names are: without the
// product, and without the origin's line where that alone is too long.
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

// minProduct is how many letters of a product's name a text message keeps
// at least, where it does not fit into one.
const minProduct = 12

func footer(a countersign.Agency, p countersign.Preferences, k countersign.MessageKind) string {
	text := "You get this mail because you have a user ID at " + a.Name + ". "
	if k == countersign.MessageTest { // it may go to anyone
		text = "You get this mail because an administrator of " + a.Name + " sent a test to this address. "
	}
	if p.Help != "" {
		text += "Help: " + sentence(p.Help) + " "
	}
	return text + "Nobody will ever ask you for a token by phone or mail."
}

// oneLine keeps a header a header, whatever people are called (NT-02).
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func sentence(text string) string { return strings.TrimRight(strings.TrimSpace(text), ".") + "." }

// facts gives a letter what its sentences are filled with.
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

// when is an instant with date, zone and UTC (NT-02).
func (f facts) when(key string) string { return f.agency.Instant(f.instant(key)) }

// until is an instant with day, clock and zone.
func (f facts) until(key string) string { return f.agency.Deadline(f.instant(key)) }

// client names the device an act came from.
func (f facts) client() string {
	c := countersign.Client{Browser: f.get("Browser"), OS: f.get("OS")}
	if f.get("IP") == "" || f.get("IP") == "unknown" {
		return c.Describe()
	}
	return c.Describe() + ", " + f.get("IP")
}

// call tells whom to turn to; without a help contact it is the administrator.
func (f facts) call() string {
	if f.preferences.Help == "" {
		return "tell your administrator at once"
	}
	return "ask for help at once: " + f.help()
}

// life is how long a token works, in words.
func (f facts) life() string {
	if f.preferences.TokenLife <= countersign.TokenLife {
		return "one to two minutes"
	}
	return strconv.Itoa(int(f.preferences.TokenLife/time.Minute)) + " minutes"
}

// method is the method that the letter is about, as people call it.
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
