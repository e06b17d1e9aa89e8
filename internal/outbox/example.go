package outbox

import (
	"strconv"
	"time"

	"countersign"
	"countersign/internal/wording"
)

// What stands in an example for what a real message would hold.
const (
	ExampleToken     = "123456"
	exampleReference = "AB"
	exampleLink      = "/example-link"
)

// Example is a message that nobody gets: with a token that was made up and a
// link that leads nowhere, to show what words make of it. Its clock has two
// digits, as the longest that it stands for.
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

// A Shown letter is one as a page shows it.
type Shown struct {
	Outgoing
	Agency     string // whose letter it is, above it
	Title      string
	Paragraphs [][]Run // of the HTML part
	Footer     string
}

// Show is Render for a page that shows what the HTML part looks like.
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
