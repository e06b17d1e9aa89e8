package outbox

import (
	"strconv"
	"time"

	"countersign"
	"countersign/internal/wording"
)

// Values that an example shows in place of real ones.
const (
	ExampleToken     = "123456"
	exampleReference = "AB"
	exampleLink      = "/example-link"
)

// Example returns a message that is never sent, with a made-up token and a dead link, to
// preview a wording. It expires at a two-digit hour, the longest form.
func Example(k wording.Kind, a countersign.Agency, u countersign.User, client countersign.Client, now time.Time) countersign.Message {
	local := now.In(a.Location())
	until := time.Date(local.Year(), local.Month(), local.Day(), 12, 58, 0, 0, local.Location())
	return countersign.Message{
		Kind: k.Message, Channel: k.Channel, To: u.Email, Reference: exampleReference, Expires: until,
		Data: map[string]string{
			"Token": ExampleToken, "Name": u.Name, "UserID": u.Login, "By": u.Name + " (" + u.Login + ")",
			"Link": a.URL + exampleLink, "Until": strconv.FormatInt(until.AddDate(0, 0, 1).UnixMilli(), 10),
			"Browser": client.Browser, "OS": client.OS, "IP": client.Address(),
		},
	}
}

// A Shown is a mail as a page shows it.
type Shown struct {
	Outgoing
	Agency     string // the name above the mail
	Title      string
	Paragraphs [][]Run // of the HTML part
	Footer     string
}

// Show does what Render does, for a page that shows the HTML part.
func Show(a countersign.Agency, p countersign.Preferences, m countersign.Message, from string, words wording.Texts) (Shown, error) {
	l, content, err := render(a, p, m, from, words)
	s := Shown{Outgoing: l, Agency: content.Agency, Title: content.Title, Footer: content.Footer}
	for _, b := range content.Body {
		s.Paragraphs = append(s.Paragraphs, b.Runs)
	}
	for _, fixed := range content.Paragraphs {
		var runs []Run
		if fixed.Strong != "" {
			runs = append(runs, Run{Text: fixed.Strong + " ", Strong: true})
		}
		s.Paragraphs = append(s.Paragraphs, append(runs, Run{Text: fixed.Text}))
	}
	return s, err
}
