package outbox

import (
	"strings"

	"countersign"
)

// enrolled reports a first set-up, finished or left: all that it added, and the sign-in that
// it was part of if that is from a new connection (NT-05, M31).
func enrolled(f facts) page {
	p := page{
		Subject: "Two factor authentication is set up for " + f.product(),
		Preview: upper(methodNames(f.get("Methods"))),
		Title:   "Your two factor authentication is set up",
		Facts: []fact{{"User ID", f.get("UserID")}, {"Methods", upper(methodNames(f.get("Methods")))},
			{"Default", upper(methodNames(f.get("Default")))}, {"Time", f.when("At")}},
	}
	if f.get("Link") == "" {
		p.Facts = append(p.Facts, fact{"From", f.client()})
		p.Paragraphs = []paragraph{{Strong: "If this was you, there is nothing to do."}, notYou(f)}
		return p
	}
	p.Greeting = f.name() + "you set up two factor authentication, and there was a sign on to " + f.product() + " from a new connection with your user ID."
	p.Facts = append(p.Facts, connection(f)...)
	p.Paragraphs = disown(f)
	return p
}

// connection returns the facts of a sign-in.
func connection(f facts) []fact {
	return []fact{{"Network address", f.get("IP")}, {"Browser", f.get("Browser")},
		{"Operating system", f.get("OS")}, {"Signed in", provedWith[countersign.Proof(f.get("Proof"))]}}
}

// disown says what to do about a sign-in that was not the reader's.
func disown(f facts) []paragraph {
	return []paragraph{
		{Strong: "If this was you, there is nothing to do."},
		{Strong: "If this was not you:", Link: f.message.Data["Link"], LinkName: "This was not me",
			Text: "That page ends the session and forgets the device at the press of a button. It signs nobody in and works once, until " + f.until("Until") +
				". Then change your password, and " + f.askForHelp() + "."},
	}
}

// upper capitalizes the first letter.
func upper(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
