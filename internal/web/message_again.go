package web

import "countersign"

// An again is how to send a message like this one. The same message can't be sent again, because
// its text was erased when it was sent.
type again struct {
	Post string // target of a form without fields
	Link string // or of a page with a form
	Name string // of the button or link
	Text string
}

// Again returns how to send a message like this one, or nil while it still waits.
func (p messagePage) Again() *again {
	switch {
	case p.Message.State == countersign.StateWaiting, p.Message.State == countersign.StateSending:
		return nil
	case p.Kind == countersign.MessageToken:
		return &again{Text: "A token is never sent again from here: the user asks for a new one. A letter that was refused can be."}
	case p.Kind == countersign.MessageTest:
		return &again{Link: "/admin/messages/test", Name: "Send another test"}
	case p.Kind == countersign.MessagePasswordLink:
		return &again{Text: "It can't be sent again, and nobody else can send a new one: its user asks for it by \"Forgot your password?\" on the sign-in page."}
	case p.Login == "":
		return &again{Text: "What it said was not kept, so it can't be sent again."}
	case p.Kind == countersign.MessageActivation:
		return p.activateAgain()
	case p.Kind == countersign.MessageInvitation:
		return p.inviteAgain()
	default:
		return &again{Text: "What it said was not kept, so it can't be sent again. What it told of stands on the page of " + p.Login + " and in the audit log."}
	}
}

func (p messagePage) activateAgain() *again {
	switch {
	case p.Chosen:
		return &again{Text: p.Login + " has chosen a password, so no new link is needed. A forgotten one is chosen anew by \"Forgot your password?\" on the sign-in page."}
	case p.May(string(countersign.RightUsers)):
		return &again{Post: userPath(p.Login) + "/activation", Name: "Send a new link", Text: "This mail was not kept, so it can't be sent again. A new one has a new link, and the earlier one works no more."}
	default:
		return &again{Text: "This mail was not kept, so it can't be sent again. Who holds the right \"" + string(countersign.RightUsers) + "\" sends a new link on the page of " + p.Login + "."}
	}
}

func (p messagePage) inviteAgain() *again {
	if p.May(string(countersign.RightReset)) {
		return &again{Link: userPath(p.Login) + "/setup-two-factor", Name: "Invite " + p.Login + " again"}
	}
	return &again{Text: "What it said was not kept. Who holds the right \"" + string(countersign.RightReset) + "\" invites " + p.Login + " again on the user's page."}
}
