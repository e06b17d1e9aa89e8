package outbox

import (
	"strings"
	"unicode/utf8"
)

// Mail about what administrators and the host's operator do to a user's second factor goes to
// the user and to every administrator (RS-06).

// actedFrom returns the client of an administrator; empty for the operator, who works on the
// host.
func (f facts) actedFrom() string {
	if f.get("IP") == "" || f.get("IP") == "unknown" {
		return ""
	}
	return f.client()
}

// byCapitalized returns who did it, with a capital letter to begin a sentence.
func (f facts) byCapitalized() string {
	name := f.get("By")
	_, size := utf8.DecodeRuneInString(name)
	return strings.ToUpper(name[:size]) + name[size:]
}

// adminSentences maps what was done to the sentence for administrators.
var adminSentences = map[string]func(facts) string{
	"reset": func(f facts) string {
		return f.byCapitalized() + " reset two factor authentication of " + f.get("UserID")
	},
	"reset-cancelled": func(f facts) string { return f.byCapitalized() + " canceled the reset of " + f.get("UserID") },
	"code":            func(f facts) string { return f.byCapitalized() + " made an enrollment code for " + f.get("UserID") },
	"enrolled": func(f facts) string {
		return f.get("UserID") + " set up two factor authentication, and the email address was changed shortly before"
	},
	"disowned": func(f facts) string { return f.get("UserID") + " says of a sign-in: this was not me" },
	"shared":   func(f facts) string { return f.get("UserID") + " gets tokens in another user's mailbox" },
}

func adminNotice(f facts) page {
	title := f.get("UserID") + " needs a look"
	if write := adminSentences[f.get("What")]; write != nil {
		title = write(f)
	}
	p := page{
		Subject: title + " (" + f.product() + ")",
		Preview: f.get("Reason"),
		Title:   title,
		Facts: []fact{{"User", f.get("Name") + ", user ID " + f.get("UserID")}, {"Time", f.when("At")}, {"Reason given", f.get("Reason")},
			{"Sign-in", f.get("Session")}, {"Address", f.get("New")}, {"Also used by", f.get("Others")}, {"From", f.actedFrom()}},
		Paragraphs: []paragraph{{Text: "Every administrator of " + f.agency.Name + " gets this mail."}},
	}
	if f.get("What") == "disowned" {
		p.Paragraphs = append(p.Paragraphs, paragraph{Text: "That session was ended and its device forgotten. Somebody may know the user's password: call back on a number that you know."})
	}
	if f.get("What") == "shared" {
		p.Paragraphs = append(p.Paragraphs, paragraph{Text: "Users who share a mailbox can read each other's tokens. Ask each of them to use an address of their own."})
	}
	p.Paragraphs = append(p.Paragraphs, paragraph{Strong: "If this is not as it should be:",
		Text: "sign in, open Administration, then Users, then the user, and look at what happened."})
	return p
}

func disabled(f facts) page {
	return page{
		Subject: "Your user ID for " + f.product() + " was disabled",
		Preview: "By " + f.get("By"),
		Title:   "Your user ID " + f.get("UserID") + " was disabled",
		Facts:   []fact{{"User ID", f.get("UserID")}, {"Time", f.when("At")}, {"Disabled by", f.get("By")}, {"Reason given", f.get("Reason")}, {"From", f.actedFrom()}},
		Paragraphs: []paragraph{
			{Text: "You cannot sign in any more. Your sessions were ended and your devices forgotten."},
			{Strong: "If this is not as it should be,", Text: f.askForHelp() + "."},
		},
	}
}

func enrollmentOpened(f facts) page {
	return page{
		Subject: "Set-up was opened for " + f.product() + " with your password alone",
		Preview: f.client(),
		Title:   "Your password opened set-up",
		Facts: []fact{{"User ID", f.get("UserID")}, {"Time", f.when("At")}, {"Opened", f.get("Opening") + " of " + f.get("Most") + " times"},
			{"From", f.client()}},
		Paragraphs: []paragraph{
			{Text: "Two factor authentication was reset, so the password alone leads to set-up and to nothing else, until set-up is finished."},
			{Strong: "Set-up is open until " + f.until("Until") + "."},
			{Strong: "If this was you, there is nothing to do."},
			notYou(f),
		},
	}
}

func enrollmentCode(f facts) page {
	if f.get("Used") != "" {
		return page{
			Subject: "Your enrollment code for " + f.product() + " was used",
			Preview: f.client(),
			Title:   "Your enrollment code was used",
			Facts:   []fact{{"User ID", f.get("UserID")}, {"Time", f.when("At")}, {"Made by", f.get("By")}, {"From", f.client()}},
			Paragraphs: []paragraph{
				{Text: "It opened set-up, together with your password, and works no more."},
				{Strong: "If this was you, there is nothing to do."},
				notYou(f),
			},
		}
	}
	return page{
		Subject: "An enrollment code was made for you at " + f.product(),
		Preview: "By " + f.get("By"),
		Title:   f.byCapitalized() + " made an enrollment code for you",
		Facts:   []fact{{"User ID", f.get("UserID")}, {"Time", f.when("At")}, {"Reason given", f.get("Reason")}, {"From", f.actedFrom()}},
		Paragraphs: []paragraph{
			{Text: "You get it in person or by phone, never by mail. It works once, together with your password, until " + f.until("Until") + ", and lets you set up two factor authentication with an address of your choice."},
			{Strong: "If you did not ask for this,", Text: f.askForHelp() + "."},
		},
	}
}

func resetCancelled(f facts) page {
	return page{
		Subject: "The reset of your two factor authentication for " + f.product() + " was canceled",
		Preview: "By " + f.get("By"),
		Title:   f.byCapitalized() + " canceled the reset of your two factor authentication",
		Facts:   []fact{{"User ID", f.get("UserID")}, {"Time", f.when("At")}, {"From", f.actedFrom()}},
		Paragraphs: []paragraph{
			{Text: "Your password alone opens nothing any more. For set-up you need an enrollment code or a new reset."},
			{Strong: "If this is not as it should be,", Text: f.askForHelp() + "."},
		},
	}
}
