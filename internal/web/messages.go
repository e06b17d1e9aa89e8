package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/authn"
)

// A messagesPage is the list of messages with an overview of delivery.
type messagesPage struct {
	base
	admin.MessageView
	Query  string
	Kind   string
	State  string
	Kinds  []option
	States []option
	Chart  chart
	query  url.Values
}

// An option is one entry of a list to choose from.
type option struct{ Value, Name string }

// known returns value if it is one of the options; otherwise "", which filters nothing.
func known(options []option, value string) string {
	if slices.ContainsFunc(options, func(o option) bool { return o.Value == value }) {
		return value
	}
	return ""
}

// messageKinds holds the kinds that the list can be filtered by: the most used first, then all
// others.
var messageKinds = kindOptions(
	option{string(countersign.MessageToken), "Token"}, option{string(countersign.MessageNewConnection), "New connection"}, option{string(countersign.MessageReset), "Reset"},
	option{string(countersign.MessageInvitation), "Invitation"}, option{string(countersign.MessageActivation), "Link to choose a password"},
	option{string(countersign.MessagePasswordLink), "Link to choose a new password"},
	option{string(countersign.MessageTextAlarm), "Alarm about text messages"}, option{string(countersign.MessageTest), "Test"})

func kindOptions(first ...option) []option {
	var others []option
	for kind, name := range templatesByKind {
		if !slices.ContainsFunc(first, func(o option) bool { return o.Value == string(kind) }) {
			others = append(others, option{string(kind), name})
		}
	}
	slices.SortFunc(others, func(a, b option) int { return strings.Compare(a.Name, b.Name) })
	return append(first, others...)
}

var messageStateNames = []option{
	{admin.MessageWaiting, "Waiting"}, {admin.MessageAccepted, "Accepted"}, {admin.MessageDelivered, "Delivered"},
	{admin.MessageRefused, "Refused"}, {admin.MessageHeld, "Held back"}, {admin.MessageDropped, "Not sent in time"},
}

// Filtered reports whether the list shows some messages only.
func (p messagesPage) Filtered() bool { return p.Query+p.Kind+p.State != "" }

// Page returns the address of the next or previous page.
func (p messagesPage) Page(direction, cursor string) string {
	q := url.Values{direction: {cursor}}
	for k, v := range p.query {
		q[k] = v
	}
	return "?" + q.Encode()
}

// Last returns the number of the last row on the page.
func (p messagesPage) Last() int { return p.First + len(p.Rows) - 1 }

// Line returns a message as the list shows it.
func (p messagesPage) Line(m admin.MessageRow) messageLine { return lineOf(p.base, m) }

// A messageLine is what pages say about a message.
type messageLine struct {
	admin.MessageRow
	Name  string // "Token, reference TR"
	Whom  string // where it went, masked
	Where string // which server or gateway
	Took  string
	State string
	Badge string
}

func lineOf(b base, m admin.MessageRow) messageLine {
	l := messageLine{MessageRow: m, Name: templatesByKind[m.Kind], Whom: strings.TrimPrefix(masked(methodOf(m.Channel), m.To), "the "), Where: m.Server, Took: "–"}
	if m.Reference != "" {
		l.Name += ", reference " + m.Reference
	}
	if l.Where == "" {
		l.Where = "–"
	}
	if m.State == countersign.StateSent {
		end := m.Done
		if m.Receipt == countersign.ReceiptDelivered {
			end = m.ReceiptAt
		}
		l.Took = tookText(end.Sub(m.Created))
	}
	l.State, l.Badge = stateOf(m.Message)
	return l
}

func methodOf(c countersign.Channel) countersign.Method {
	if c == countersign.ChannelSMS {
		return countersign.MethodSMS
	}
	return countersign.MethodEmail
}

// stateOf returns the state of a message in a word or two, and its color.
func stateOf(m countersign.Message) (text, badge string) {
	known := messageStates[m.State]
	text, badge = known[0], known[1]
	switch {
	case m.State == countersign.StateSent && m.Receipt == countersign.ReceiptDelivered:
		text = "Delivered"
	case m.State == countersign.StateSent && m.Receipt == countersign.ReceiptUndelivered:
		text, badge = "Not delivered", "badge-danger"
	case waits(m) && failed(m):
		tries := m.Tries
		if m.State == countersign.StateSending {
			tries-- // not the one under way
		}
		text = fmt.Sprintf("Waiting: %d tries failed", tries)
		if tries == 1 {
			text = "Waiting: one try failed"
		}
	}
	return text, badge
}

// waits reports whether a message is still to be sent.
func waits(m countersign.Message) bool {
	return m.State == countersign.StateWaiting || m.State == countersign.StateSending
}

// tookText formats a duration: 0.8 s, 14 s, 3 min.
func tookText(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", max(d, 0).Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	default:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
}

func (s *Server) getMessages(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	q := r.URL.Query()
	p := messagesPage{base: s.console(v, g, "Messages", "admin-messages"), Query: q.Get("q"), Kind: known(messageKinds, q.Get("kind")), State: known(messageStateNames, q.Get("state")),
		Kinds: messageKinds, States: messageStateNames, query: url.Values{}}
	for name, value := range map[string]string{"q": p.Query, "kind": p.Kind, "state": p.State} {
		if value != "" {
			p.query.Set(name, value)
		}
	}
	var err error
	p.MessageView, err = s.Admin.Messages(r.Context(), v, g.Actor(), admin.MessageQuery{Text: searchTerm(p.Query), Kind: countersign.MessageKind(p.Kind), State: p.State,
		After: q.Get("after"), Before: q.Get("before"), Limit: perPage})
	if err != nil {
		return err
	}
	p.Chart = chartOf(p.base, p.Days)
	for _, a := range p.Alarms {
		said := alarmTexts[a.What]
		p.Alert = &alert{Kind: "warn", Role: "status", Head: said, Rest: "Raised " + p.When(a.RaisedAt) + ". Every administrator got a mail. Email and the authenticator app go on working."}
	}
	return s.show(w, http.StatusOK, "console_messages", p)
}

// alarmTexts says which alarm about text messages was raised.
var alarmTexts = map[string]string{
	"budget":     "Most of the day's text messages are spent",
	"spent":      "The day's text messages are spent",
	"all":        "The installation's text messages of the day are spent",
	"adjacent":   "Text messages were stopped: numbers beside each other were asked for",
	"conversion": "Text messages were stopped: few led to a sign-in",
}
