package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/outbox"
)

// A messagePage is one message: its recipient, its route and its delivery.
type messagePage struct {
	base
	messageLine
	From    string
	Steps   []messageStep
	NoRoute bool // waits for a mail server or text gateway
	Open    bool // a test was just sent: the page reloads
}

// A messageStep is one line of a message's history.
type messageStep struct {
	At   time.Time
	Text string
}

func (s *Server) getMessage(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	p, err := s.messagePage(r, v, g)
	if err != nil {
		return err
	}
	p.Alert = p.alert()
	if p.Open {
		w.Header().Set("Refresh", "2")
	}
	return s.show(w, http.StatusOK, "console_message", p)
}

func (s *Server) messagePage(r *http.Request, v countersign.Visit, g authn.Principal) (messagePage, error) {
	row, err := s.Admin.Message(r.Context(), v, g.Actor(), countersign.MessageID(r.PathValue("id")))
	if err != nil {
		return messagePage{}, err
	}
	p := messagePage{base: s.console(v, g, "Message", "admin-messages"), From: s.From(v.Agency)}
	p.messageLine = lineOf(p.base, row)
	p.Title = p.Name
	if row.Login != "" && p.Kind != countersign.MessageTest { // a test goes to an address, and login is the user who requested it
		p.Title += " to " + row.Login
	}
	p.NoRoute = s.noRoute(row.Message)
	p.Open = p.Kind == countersign.MessageTest && p.Waits() && !p.NoRoute && v.Now.Sub(p.Created) < checkAgainAfter
	p.Steps = p.steps()
	return p, nil
}

// steps returns the known history of the message in order of time.
func (p messagePage) steps() []messageStep {
	m := p.Message
	steps := []messageStep{{m.Created, "Written"}}
	switch m.State {
	case countersign.StateWaiting, countersign.StateSending:
		switch {
		case failed(m):
			steps = append(steps, messageStep{m.Due, "Next try, after " + deliveryAnswer(m)})
		case p.NoRoute && m.Channel == countersign.ChannelSMS:
			steps = append(steps, messageStep{m.Due, "Waiting for a text gateway: none is set up"})
		case p.NoRoute:
			steps = append(steps, messageStep{m.Due, "Waiting for a mail server: none is set up"})
		case m.State == countersign.StateSending:
			steps = append(steps, messageStep{m.Due, "Being handed over; there is no answer yet"})
		}
	case countersign.StateSent:
		steps = append(steps, messageStep{m.Done, "Accepted by " + m.Server + ": " + m.Answer})
	case countersign.StateRefused:
		steps = append(steps, messageStep{m.Done, "Refused for good by " + m.Server + ": " + m.Answer})
	case countersign.StateDropped:
		steps = append(steps, messageStep{m.Done, "Not sent: its token was over or replaced"})
	case countersign.StateHeld:
		steps = append(steps, messageStep{m.Done, "Held back: " + heldWhy[m.Answer]})
	}
	switch m.Receipt {
	case countersign.ReceiptDelivered:
		steps = append(steps, messageStep{m.ReceiptAt, "Delivered to the phone, the gateway says"})
	case countersign.ReceiptUndelivered:
		steps = append(steps, messageStep{m.ReceiptAt, "Not delivered by the phone's network, the gateway says"})
	}
	return steps
}

// Waits reports whether the message is still to be sent. Its text is sealed until then.
func (p messagePage) Waits() bool { return waits(p.Message) }

// isQuotable reports whether the kept answer holds the server's own words: that of a mail server,
// which begins with its code. The words for a text gateway's status are ours.
func isQuotable(m countersign.Message) bool {
	return m.Channel != countersign.ChannelSMS && m.Answer != "" && m.Answer[0] >= '0' && m.Answer[0] <= '9' && !strings.Contains(m.Answer, outbox.NoText)
}

// deliveryAnswer returns the result of a try: the server's own words, or what we found. Our own
// explanation of a code is not quoted.
func deliveryAnswer(m countersign.Message) string {
	answer := strings.TrimRight(m.Answer, ". ")
	switch {
	case m.Server == "":
		return answer
	case strings.Contains(answer, outbox.NoText):
		return m.Server + " said " + outbox.Explained(answer)
	case isQuotable(m):
		return fmt.Sprintf("%s said: \"%s\"", m.Server, answer)
	default:
		return m.Server + ": " + answer
	}
}

// alert says what went wrong, if something did.
func (p messagePage) alert() *alert {
	m := p.Message
	switch {
	case m.State == countersign.StateRefused:
		return &alert{Kind: "danger", Head: "Refused", Rest: deliveryAnswer(m) + "."}
	case m.State == countersign.StateHeld:
		return &alert{Kind: "danger", Head: "Held back: " + heldWhy[m.Answer], Rest: "Nothing was sent. The page offered another way."}
	case m.Receipt == countersign.ReceiptUndelivered:
		return &alert{Kind: "danger", Head: "Not delivered", Rest: "The gateway took it; the phone's network did not deliver it."}
	case m.Kind == countersign.MessageTest && m.State == countersign.StateSent:
		return &alert{Kind: "done", Role: "status", Head: "The test was accepted", Rest: deliveryAnswer(m) + "."}
	case m.Kind == countersign.MessageTest && p.NoRoute:
		step := noRouteStep(m, p.Now)
		return &alert{Kind: "warn", Role: "status", Head: step.Name, Rest: step.Text}
	case m.Kind == countersign.MessageTest && p.Waits() && !failed(m) && p.Open:
		return &alert{Kind: "info", Role: "status", Head: "The test is on its way", Rest: "This page looks again by itself."}
	case m.Kind == countersign.MessageTest && p.Waits() && !failed(m) && expired(m, p.Now):
		return &alert{Kind: "warn", Role: "status", Head: "There was no answer", Rest: "The test is not sent any more. Send another one."}
	case m.Kind == countersign.MessageTest && p.Waits() && !failed(m):
		return &alert{Kind: "info", Role: "status", Head: "There is no answer yet", Rest: "We keep trying until " + p.Clock(m.Expires) + ".", Look: "/admin/messages/" + string(m.ID)}
	case p.Waits() && failed(m):
		return &alert{Kind: "warn", Head: "It waits for another try", Rest: deliveryAnswer(m) + "."}
	default:
		return nil
	}
}

func (s *Server) postResend(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	err := s.Admin.ResendMessage(r.Context(), v, g.Actor(), countersign.MessageID(r.PathValue("id")))
	if err == nil {
		http.Redirect(w, r, "/admin/messages/"+url.PathEscape(r.PathValue("id")), http.StatusSeeOther)
		return nil
	}
	if countersign.KindOf(err) != countersign.KindInvalid {
		return err
	}
	p, perr := s.messagePage(r, v, g)
	if perr != nil {
		return perr
	}
	p.refuse(err)
	return s.show(w, http.StatusUnprocessableEntity, "console_message", p)
}
