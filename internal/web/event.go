package web

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign"
)

// An eventRow is one line of a timeline.
type eventRow struct {
	At   time.Time
	When string
	Text string
}

// happened holds the sentences of audit actions for timelines. {Who} is "You" or the actor,
// {Method} is the method, {From} is the origin.
var happened = map[string]string{
	"sign-in.completed":     "Signed in {Method} from {From}.",
	"sign-in.password":      "A wrong password was entered from {From}.",
	"sign-in.token_asked":   "The right password was entered from {From}, and a token asked.",
	"sign-in.third_failure": "Three wrong tokens were entered from {From}.",
	"sign-in.no_tokens":     "What was sent in place of a token could not be one, twenty times, from {From}.",
	"sign-in.refused":       "The right password was entered from {From}, but opened nothing.",
	"sign-in.cancelled":     "A sign-in was canceled, from {From}.",
	"sign-in.other_way":     "Another way was chosen: {Name}.",
	"token.sent":            "A token was sent: {Name}.",
	"token.wrong":           "A wrong token was entered from {From}.",
	"set-up.opened":         "Set-up was opened from {From}.",
	"set-up.address_left":   "Another email address was entered in set-up, and left again.",
	"set-up.completed":      "Set-up was completed.",
	"set-up.invited":        "{Who} sent an invitation to set up.",
	"method.added":          "A method was set up: {Name}.",
	"method.removed":        "A method was removed: {Name}.",
	"method.default":        "The Default was changed: {Name}.",
	"recovery.made":         "{Who} made recovery codes.",
	"recovery.used":         "A recovery code was used from {From}.",
	"two-factor.reset":      "{Who} reset two factor authentication.",
	"step-up.asked":         "A token was asked before a change.",
	"step-up.completed":     "A change was confirmed {Method}.",
	"sign-in.passkey":       "A passkey was refused from {From}.",
	"passkey.copied":        "A passkey that may have been copied was refused: {Passkey}, from {From}.",
	"passkey.renamed":       "A passkey was renamed: {Passkey}.",
	"session.signed_out":    "Signed out from {From}.",
	"session.disowned":      "A sign-in was disowned by the link of its letter: the session was ended and the device forgotten.",
	"session.ended":         "{Who} ended sessions.",
	"throttle.alarm":        "Too many wrong passwords or tokens, the last from {From}: no more are taken for a while.",
	"password.known_seen":   "The notice that somebody knows the password was answered: it was the user.",
	"device.forgotten":      "{Who} forgot remembered devices.",
	"device.copied":         "A device cookie came up in another browser and system, and was revoked.",
	"password.chosen":       "A password was chosen from {From}.",
	"profile.email_changed": "{Who} changed the email address of the profile.",
	"profile.phone_changed": "{Who} changed the mobile phone of the profile.",
	"password.changed":      "The password was changed from {From}.",
	"password.reset":        "A new password was chosen by a mailed link, from {From}.",
	"password.link_asked":   "A link to choose a new password was asked for from {From}.",
	"user.added":            "{Who} added the user.",
	"user.changed":          "{Who} changed the user.",
	"user.activation_sent":  "{Who} sent the link to choose a password.",
	"secret.broken":         "A sign-in was stopped: what is kept for it was changed in the database.",
	"right.refused":         "An act without the right for it was refused.",

	"enrolment-code.made":        "{Who} made an enrollment code.",
	"enrolment-code.used":        "The enrollment code was used from {From}.",
	"enrolment-code.wrong":       "A wrong enrollment code was entered from {From}.",
	"two-factor.reset_cancelled": "{Who} canceled the reset.",
}

// refusedActs holds the sentences of actions that can be done or refused, for when they were
// refused.
var refusedActs = map[string]string{
	"two-factor.reset":    "A reset of two factor authentication was refused, asked for from {From}.",
	"password.changed":    "A wrong password was entered to change it, from {From}.",
	"password.link_asked": "A link to choose a new password was asked for from {From}, and not sent.",
}

// changedUser says what an administrator changed, so that granting a right reads differently from
// disabling a user.
func changedUser(detail map[string]string) string {
	var all []string
	say := func(so bool, text string) {
		if so {
			all = append(all, text)
		}
	}
	say(detail["state"] == "disabled", "{Who} disabled the user.")
	say(detail["state"] == "enabled", "{Who} enabled the user.")
	say(rights(detail, true) != "", "{Who} gave rights: {Given}.")
	say(rights(detail, false) != "", "{Who} took rights away: {Taken}.")
	say(detail["email"] != "", "{Who} changed the email address.")
	say(detail["mobile"] != "", "{Who} changed the mobile phone.")
	say(detail["name"] != "", "{Who} changed the name.")
	say(detail["groups"] != "", "{Who} changed the groups.")
	if len(all) == 0 {
		return happened["user.changed"]
	}
	return strings.Join(all, " ")
}

// rights lists the rights that a change granted or revoked.
func rights(detail map[string]string, given bool) string {
	before, after, _ := strings.Cut(detail["rights"], " → ")
	if !given {
		before, after = after, before
	}
	had := strings.Split(before, ", ")
	var all []string
	for _, r := range strings.Split(after, ", ") {
		if r != "" && !slices.Contains(had, r) {
			all = append(all, r)
		}
	}
	return strings.Join(all, ", ")
}

// proofs names what a sign-in was admitted by, and claims no more than was proved.
var proofs = map[string]string{
	"password":   "with the password alone",
	"remembered": "on a remembered device, without a token",
	"email":      "with an emailed token",
	"app":        "with the authenticator app",
	"sms":        "with a token by SMS",
	"recovery":   "with a recovery code",
	"passkey":    "with a passkey",
}

// actorName returns how pages name an actor of the audit log.
func actorName(name string) string {
	if name == "operator" {
		return "the operator of the server"
	}
	return name
}

// upperFirst capitalizes the first letter of a text.
func upperFirst(text string) string {
	_, size := utf8.DecodeRuneInString(text)
	return strings.ToUpper(text[:size]) + text[size:]
}

// eventRows returns the lines of a timeline. own: the reader is the subject.
func (b base) eventRows(events []countersign.Event, own bool) []eventRow {
	var rows []eventRow
	for _, e := range events {
		text, ok := happened[e.Action]
		if e.Result == "refused" && refusedActs[e.Action] != "" {
			text = refusedActs[e.Action]
		}
		if !ok {
			continue
		}
		who := upperFirst(actorName(e.Actor))
		if own && e.Actor == e.Subject {
			who = "You"
		}
		from := e.Client.Describe()
		if e.Client.IP.IsValid() {
			from += ", " + e.Client.Address()
		}
		if e.Action == "user.changed" {
			text = changedUser(e.Detail)
		}
		text = fill(b.Agency, b.Now, text, countersign.Args{"Given": rights(e.Detail, true), "Taken": rights(e.Detail, false), "Who": who, "From": from, "Method": proofs[e.Method], "Name": methodName(countersign.Method(e.Method)), "Passkey": e.Detail["passkey"]})
		if change := e.Detail["email"]; change != "" {
			text += " Email address: " + change + "."
		}
		if e.Reason != "" && e.Result != "refused" {
			text += " Reason given: " + e.Reason + "."
		}
		rows = append(rows, eventRow{e.At, b.At(e.At), text})
	}
	return rows
}
