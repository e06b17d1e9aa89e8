package web

import (
	"countersign/internal/authn"
	"fmt"
	"time"

	"countersign"
)

// A delivery is the delivery state of the message with the token.
type delivery struct {
	State string // "", "waiting", "delayed", "sent", "refused"
	Head  string // for delayed and refused
	Text  string
	Look  string // for waiting and delayed: the page to reload
}

// Alert returns the alert for a message that does not arrive.
func (d delivery) Alert() *alert {
	switch d.State {
	case "delayed":
		return &alert{Kind: "warn", Role: "status", Head: d.Head, Rest: d.Text, Look: d.Look, Sent: true}
	case "refused":
		return &alert{Kind: "danger", Role: "alert", Head: d.Head, Rest: d.Text, Sent: true}
	default:
		return nil
	}
}

// checkAgainAfter is how long a message may wait before the page calls it delayed.
const checkAgainAfter = 20 * time.Second

// delivery returns the delivery state of the token's message.
func (s *Server) delivery(b base, view authn.View, look string) delivery {
	m := view.Message
	mail := m.Channel == countersign.ChannelEmail
	what, server := "text message", "text service"
	if mail {
		what, server = "mail", "mail server"
	}
	switch {
	case m.ID == "":
		return delivery{}
	case m.State == countersign.StateDropped:
		return delivery{State: "refused", Head: "The token could not be delivered", Text: fmt.Sprintf("The %s did not take the %s in time, so it was not sent. Ask for a new token.", server, what)}
	case m.State == countersign.StateSent:
		return sent(b, m)
	case m.State == countersign.StateRefused:
		return delivery{State: "refused", Head: "The token could not be delivered", Text: whyRefused(m, masked(view.Attempt.Challenge.Method, m.To))}
	case mail && !s.Mail() || failed(m) || b.Now.Sub(m.Created) >= checkAgainAfter:
		return s.delayed(b, m, mail, server, look)
	default:
		return delivery{State: "waiting", Look: look, Text: fmt.Sprintf("Waiting for the %s since %s.", server, b.Seconds(m.Created))}
	}
}

// failed reports whether a delivery was tried and failed. The try under way is already counted and
// has not failed yet.
func failed(m countersign.Message) bool {
	return m.Tries > 1 || m.Tries == 1 && m.State != countersign.StateSending
}

// sent describes a message that was accepted, including a later report of the phone network.
func sent(b base, m countersign.Message) delivery {
	switch m.Receipt {
	case countersign.ReceiptDelivered:
		return delivery{State: "sent", Text: fmt.Sprintf("Delivered to your phone at %s", b.Seconds(m.ReceiptAt))}
	case countersign.ReceiptUndelivered:
		return delivery{State: "refused", Head: "The token could not be delivered", Text: fmt.Sprintf("The network of %s did not deliver the text message, as it told at %s.",
			masked(countersign.MethodSMS, m.To), b.Seconds(m.ReceiptAt))}
	default:
		return delivery{State: "sent", Text: fmt.Sprintf("Accepted by %s at %s", m.Server, b.Seconds(m.Done))}
	}
}

// delayed describes a message that is not going out, and says why.
func (s *Server) delayed(b base, m countersign.Message, mail bool, server, look string) delivery {
	d := delivery{State: "delayed", Head: "The text message is delayed", Look: look}
	if mail {
		d.Head = "Mail is delayed"
	}
	why := whyDelayed(m, server)
	switch {
	case mail && !s.Mail():
		why = "No mail can be sent just now."
	case m.Route != "" && m.Answer != "":
		why = "The " + server + " has not said whether it took the token, which may have arrived."
	}
	d.Text = fmt.Sprintf("%s The token with reference %s waits and is sent as soon as it can be; after %s it is not sent at all.",
		why, m.Reference, b.Clock(m.Expires))
	return d
}

// latest returns the newer of two reasons why nothing was sent, for a page without a token. Showing
// both would repeat the message.
func latest(refusal, unsent *alert) (newer, older *alert) {
	if refusal == nil || unsent == nil {
		return refusal, unsent
	}
	return nil, refusal
}

// unsent says why there is no token: a limit prevented sending one.
func unsent(b base, view authn.View) *alert {
	code := view.Attempt.SendProblem
	if code == "" {
		code = "token.not_sent"
	}
	return alertOf(countersign.KindTooMany, sentence(b.Agency, b.Now, &countersign.Error{Code: code,
		Args: countersign.Args{"Until": view.Attempt.SendBlockedUntil, "Expires": time.Time{}}}))
}
