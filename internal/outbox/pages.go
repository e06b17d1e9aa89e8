package outbox

import (
	"countersign"
	"countersign/internal/wording"
)

// templates are the mails, by kind. Each says what happened, when, from where, and what to do
// if it was not the reader. For a mail that agencies can word, it is only the part below their
// wording; package wording has the original wordings.
var templates = map[countersign.MessageKind]func(facts) page{
	countersign.MessageToken:            tokenPage,
	countersign.MessageNewConnection:    newConnection,
	countersign.MessageReset:            reset,
	countersign.MessageEnrolled:         enrolled,
	countersign.MessageMethodAdded:      methodAdded,
	countersign.MessageMethodRemoved:    methodRemoved,
	countersign.MessageDefaultChanged:   defaultChanged,
	countersign.MessageAddressChanged:   addressChanged,
	countersign.MessageAddressAsked:     addressAsked,
	countersign.MessageProfileChanged:   profileChanged,
	countersign.MessageActivation:       activation,
	countersign.MessageInvitation:       invitation,
	countersign.MessageTurnedOff:        weakened,
	countersign.MessageAdminNotice:      adminNotice,
	countersign.MessageDisabled:         disabled,
	countersign.MessageEnrollmentOpened: enrollmentOpened,
	countersign.MessageEnrollmentCode:   enrollmentCode,
	countersign.MessageResetCanceled:    resetCancelled,
	countersign.MessageRecoveryMade:     recoveryMade,
	countersign.MessageRecoveryUsed:     recoveryUsed,
	countersign.MessagePasskeyCopied:    passkeyCopied,
	countersign.MessagePasswordLink:     passwordLink,
	countersign.MessagePasswordChanged:  passwordChanged,
	countersign.MessagePasswordKnown:    passwordKnown,
	countersign.MessageGuessing:         guessing,
	countersign.MessageTest:             test,
	countersign.MessageTextAlarm:        textAlarm,
}

// tokenPage is the part below the wording of a token mail, original or custom. The original
// wording is the TechNote's, word for word (M15).
func tokenPage(f facts) page {
	reference := "Reference " + f.message.Reference + ". It works until " + f.expires() + "."
	p := page{Preview: reference}
	if !f.words.Body.Holds(wording.Reference) {
		p.Paragraphs = []paragraph{{Strong: reference}}
	}
	if other := f.get("New"); other != "" {
		p.Paragraphs = append(p.Paragraphs, paragraph{Strong: "Enter it only if you want your tokens to go to " + other + " from now on.",
			Text: "This mail asks for your consent, because your profile names the address it was sent to."})
	}
	p.Paragraphs = append(p.Paragraphs, paragraph{Text: "If you did not just sign in, somebody knows your password. Change it, and " + f.askForHelp() + "."})
	return p
}

func newConnection(f facts) page {
	return page{
		Subject:    "New sign on to " + f.product(),
		Preview:    f.client(),
		Title:      "New sign on to " + f.product(),
		Greeting:   f.name() + "there was a sign on to " + f.product() + " from a new connection with your user ID " + f.get("UserID") + ".",
		Facts:      append([]fact{{"Time", f.when("At")}}, connection(f)...),
		Paragraphs: disown(f),
	}
}

// provedWith says how a sign-in was proved, and no more than that.
var provedWith = map[countersign.Proof]string{
	countersign.ProofPassword:   "With the password alone",
	countersign.ProofRemembered: "With the password, on a remembered device",
	countersign.ProofEmail:      "With the password and a token by email",
	countersign.ProofApp:        "With the password and a token from the authenticator app",
	countersign.ProofSMS:        "With the password and a token by SMS",
	countersign.ProofPasskey:    "With a passkey",
	countersign.ProofRecovery:   "With the password and a recovery code",
}

// name returns the reader's first name and a comma to begin a sentence; "" without a name.
func (f facts) name() string {
	first := countersign.User{Name: f.get("Name")}.FirstName()
	if first == "" {
		return ""
	}
	return first + ", "
}

func reset(f facts) page {
	where := []fact{{"User ID", f.get("UserID")}, {"Time", f.when("At")}}
	open := paragraph{Strong: "Set-up is open until " + f.until("Until") + "."}
	if by := f.get("By"); by != "" {
		return page{
			Subject: "Your two factor authentication for " + f.product() + " was reset",
			Preview: "By " + by,
			Title:   f.byCapitalized() + " reset your two factor authentication",
			Facts:   append(where, fact{"Reason given", f.get("Reason")}, fact{"From", f.actedFrom()}),
			Paragraphs: []paragraph{
				{Text: "Your methods, recovery codes and remembered devices were removed, and your sessions ended. You can log in once with only your password; set-up follows."},
				open,
				{Strong: "If you did not ask for this,", Text: f.askForHelp() + "."},
			},
		}
	}
	return page{
		Subject: "You reset two factor authentication for " + f.product(),
		Preview: f.client(),
		Title:   "You reset your two factor authentication",
		Facts:   append(where, fact{"From", f.client()}),
		Paragraphs: []paragraph{
			{Text: "Your methods, recovery codes and remembered devices were removed. You can log in once with only your password; set-up follows."},
			open,
			notYou(f),
		},
	}
}

func notYou(f facts) paragraph {
	return paragraph{Strong: "If this was not you:", Text: "somebody knows your password, so " + f.askForHelp() + "."}
}

// orUndone returns the first paragraph about a change that was undone because the user reported
// the sign-in that made it; otherwise p.
func orUndone(f facts, p paragraph) paragraph {
	if f.get("Undone") == "" {
		return p
	}
	return paragraph{Strong: "It was put back.", Text: "A sign-in that was reported as not yours had changed it."}
}

func methodAdded(f facts) page {
	return page{
		Subject: "A method was added for " + f.product(),
		Preview: f.method(),
		Title:   "A method was added: " + f.method(),
		Facts:   []fact{{"User ID", f.get("UserID")}, {"Time", f.when("At")}, {"From", f.client()}},
		Paragraphs: []paragraph{
			{Strong: "If this was you, there is nothing to do."},
			notYou(f),
		},
	}
}

func methodRemoved(f facts) page {
	p := page{
		Subject: "A method was removed for " + f.product(),
		Preview: f.method(),
		Title:   "A method was removed: " + f.method(),
		Facts:   []fact{{"User ID", f.get("UserID")}, {"Time", f.when("At")}, {"From", f.client()}},
		Paragraphs: []paragraph{
			{Text: "Your remembered devices were forgotten, so you are asked for a token at your next sign-in."},
			notYou(f),
		},
	}
	if f.get("Undone") != "" {
		p.Paragraphs[1] = paragraph{Strong: "A sign-in that was reported as not yours had added or changed it.", Text: "Check your methods in your User Profile."}
	}
	return p
}

// passkeyCopied goes to the owner of a passkey, or to an administrator about a user's passkey
// (PK-02).
func passkeyCopied(f facts) page {
	p := page{
		Subject: "A passkey for " + f.product() + " may have been copied",
		Preview: f.get("Passkey"),
		Title:   "One of your passkeys may have been copied",
		Facts:   []fact{{"User ID", f.get("UserID")}, {"Passkey", f.get("Passkey")}, {"Time", f.when("At")}, {"From", f.client()}},
		Paragraphs: []paragraph{
			{Text: "A passkey counts how often it was used. This one came with a count that was used before, so it was refused, and nobody was signed in by it. A copy of it may be in use somewhere, or the device that holds it was restored."},
			{Strong: "What to do:", Text: "remove this passkey in your User Profile and make a new one. If you did not just use it, " + f.askForHelp() + "."},
		},
	}
	if of := f.get("Of"); of != "" {
		p.Title = "A passkey of " + of + " may have been copied"
		p.Facts[0].Value = of
		p.Paragraphs[1] = paragraph{Strong: "What to do:", Text: "ask " + of + " whether it was his own device. If it was not, Reset/Disable 2 Factor Authentication on his page in User Administration."}
	}
	return p
}

func defaultChanged(f facts) page {
	return page{
		Subject: "Your Default for " + f.product() + " was changed",
		Preview: "Now: " + f.method(),
		Title:   "Your Default was changed",
		Facts: []fact{{"User ID", f.get("UserID")}, {"Time", f.when("At")}, {"Now", f.method()},
			{"From", f.client()}},
		Paragraphs: []paragraph{
			orUndone(f, paragraph{Text: "From your next sign-in it decides how tokens are delivered."}),
			notYou(f),
		},
	}
}

func addressChanged(f facts) page {
	p := page{
		Subject: "Tokens for " + f.product() + " go to another address",
		Preview: "Now: " + f.get("New"),
		Title:   "Your tokens go to another address now",
		Facts: []fact{{"User ID", f.get("UserID")}, {"Time", f.when("At")}, {"Before", f.get("Old")}, {"Now", f.get("New")},
			{"From", f.client()}},
		Paragraphs: []paragraph{
			orUndone(f, paragraph{Text: "This mail went to both addresses."}),
			notYou(f),
		},
	}
	if f.get("Undone") != "" {
		p.Subject = "Tokens for " + f.product() + " go where they went before"
		p.Title = "Your tokens go where they went before"
	}
	return p
}

func addressAsked(f facts) page {
	return page{
		Subject: "Another address for your " + f.product() + " tokens",
		Preview: f.get("New"),
		Title:   "Somebody who knows your password wants your tokens at another address",
		Facts:   []fact{{"User ID", f.get("UserID")}, {"Time", f.when("At")}, {"Address", f.get("New")}, {"From", f.client()}},
		Paragraphs: []paragraph{
			{Strong: "If this was you, there is nothing to do."},
			notYou(f),
		},
	}
}

func profileChanged(f facts) page {
	what := map[string]string{"email": "email address", "mobile": "mobile phone"}[f.get("What")]
	return page{
		Subject: "The " + what + " of " + f.get("UserID") + " for " + f.product() + " was changed",
		Preview: "By " + f.get("By"),
		Title:   "The " + what + " of " + f.get("UserID") + " was changed",
		Facts: []fact{{"User ID", f.get("UserID")}, {"Time", f.when("At")}, {"Before", f.get("Old")}, {"Now", f.get("New")},
			{"Changed by", f.get("By")}, {"Reason given", f.get("Reason")}},
		Paragraphs: []paragraph{
			orUndone(f, paragraph{Text: "Remembered devices were forgotten, so a token is asked for at the next sign-in."}),
			{Strong: "If this is not as it should be,", Text: f.askForHelp() + "."},
		},
	}
}

func activation(f facts) page {
	return page{
		Preview:    "Choose a password",
		Paragraphs: []paragraph{{Text: "If you do not expect this, do nothing, or " + f.askForHelp() + "."}},
	}
}

func invitation(f facts) page {
	return page{
		Preview:    "It takes about two minutes",
		Paragraphs: []paragraph{{Text: "If you do not expect this, " + f.askForHelp() + "."}},
	}
}

func weakened(f facts) page {
	return page{
		Subject: "A preference of " + f.product() + " was changed: " + f.get("What"),
		Preview: f.get("Old") + " to " + f.get("New"),
		Title:   weakerText(f),
		Facts: []fact{{"Preference", f.get("What")}, {"Before", f.get("Old")}, {"Now", f.get("New")}, {"Changed by", f.get("By")},
			{"Reason given", f.get("Reason")}, {"Time", f.when("At")}},
		Paragraphs: []paragraph{
			{Text: "Every administrator of " + f.agency.Name + " gets this mail."},
			{Strong: "If this is not as it should be:", Text: "sign in, open Administration, then System, then Preferences, and put it right."},
		},
	}
}

// weakerText says in one line what the change of a preference means.
func weakerText(f facts) string {
	switch f.get("What") {
	case "2FA":
		return "Two factor authentication was turned Off"
	case "2FAFREQUENCY", "2FAADMINALWAYS", "2FANETWORK":
		return "Tokens are asked less often from now on"
	default:
		return "Sign-in is protected less from now on"
	}
}

func test(f facts) page {
	return page{
		Subject:    "A test mail from " + f.product(),
		Preview:    "Mail works",
		Title:      "This is a test mail",
		Greeting:   "Mail from " + f.product() + " reaches this address.",
		Paragraphs: []paragraph{{Text: "Sent on " + f.when("At") + "."}},
	}
}
