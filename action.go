package countersign

// An Action is a kind of audit row.
type Action struct {
	Name  string
	Means string
}

// Actions is the catalog of the audit log (AU-01), in alphabetical order. Who
// records a new kind of event adds a line here and the same one in
// docs/security/events.md; tests compare the list with the code, with the
// document, and with what the tests of the house have made happen.
var Actions = []Action{
	{"agency.added", "The operator added an agency."},
	{"agency.renamed", "The operator gave an agency another code, name or product name."},
	{"audit.exported", "Rows of the audit log were exported; the detail says how many."},
	{"device.all_forgotten", "Every remembered device of the agency was forgotten, since a preference was saved."},
	{"device.copied", "A device cookie came up in another browser and system, and was revoked."},
	{"device.forgotten", "Remembered devices were forgotten, by the user or an administrator."},
	{"dkim.key_made", "A key that signs mail was made; the detail says the domain and the selector."},
	{"dkim.signs", "Mail of a domain is signed by another key from now on, or by none."},
	{"enrolment-code.made", "An administrator or the operator made an enrolment code; reason says why."},
	{"enrolment-code.used", "An enrolment code opened set-up."},
	{"enrolment-code.wrong", "A wrong enrolment code was refused; the detail says how many tries are left."},
	{"first-administrator.link", "A start without an administrator printed the link that makes the first one."},
	{"key.rotated", "A step of replacing the master key; subject is the key's ID, reason the step."},
	{"message.resent", "A letter that was refused was put into the outbox again; the detail says which."},
	{"message.test", "A test mail or text message was sent."},
	{"method.added", "A method was verified in set-up."},
	{"method.default", "Another method became the Default."},
	{"method.removed", "A method was removed."},
	{"object.unknown", "Somebody who is signed in asked for a thing that does not exist in his agency; reason says which kind."},
	{"passkey.copied", "A passkey was refused whose signature counter went back: it may have been copied."},
	{"passkey.renamed", "A user gave one of his passkeys another name."},
	{"password.changed", "A user changed the password; refused: the current one was wrong."},
	{"password.chosen", "A user chose a password by the link for it."},
	{"password.link_asked", "A link to choose a new password was asked for and mailed; refused: reason says why none was. Subject is empty where there is no such user."},
	{"password.reset", "A new password was chosen by a mailed link."},
	{"preference.changed", "A preference was saved; the detail says the values before and after."},
	{"recovery.made", "A user was shown a new set of recovery codes; the earlier set died."},
	{"recovery.used", "A recovery code was used as a second factor."},
	{"right.refused", "An act was refused, since a right for it is missing or a rule forbids it."},
	{"secret.broken", "ALARM. A sealed value did not open in its row: it was moved or changed in the database."},
	{"session.all_ended", "Every session of the agency was ended, when a preference was saved."},
	{"session.disowned", "Somebody pressed «This was not me» behind the link of a letter: that session ended, its device was forgotten."},
	{"session.ended", "Sessions were ended from a profile or by an administrator."},
	{"session.signed_out", "A user signed out."},
	{"set-up.address_left", "An email address that was entered in set-up was left before it was verified."},
	{"set-up.completed", "Set-up was completed."},
	{"set-up.invited", "An administrator invited a user to set up."},
	{"set-up.opened", "The set-up wizard was opened, after the password or from the User Profile."},
	{"sign-in.cancelled", "A sign-in under way was cancelled."},
	{"sign-in.completed", "A sign-in made a session; method says by what it was admitted."},
	{"sign-in.no_tokens", "What was sent in place of tokens could not be any, and ended a sign-in, set-up or step-up."},
	{"sign-in.other_way", "Another way was chosen in a sign-in or step-up."},
	{"sign-in.passkey", "A passkey alone was refused; reason says why, subject is empty where nobody has it."},
	{"sign-in.password", "A wrong password; subject is empty where there is no such user."},
	{"sign-in.refused", "A right password that opened nothing; reason says why."},
	{"sign-in.third_failure", "The third wrong token ended a sign-in, set-up or step-up."},
	{"sign-in.token_asked", "A right password led to the question for a token."},
	{"step-up.asked", "A fresh second factor was asked for before a change."},
	{"step-up.completed", "A change was confirmed by a fresh second factor."},
	{"text.alarm", "ALARM. Text messages look misused, or a day's budget is nearly spent; the detail says what was seen."},
	{"text.held", "A text message was held back by a budget; reason says by which."},
	{"token.sent", "A token was sent by email or SMS."},
	{"token.wrong", "A token was refused; reason says whether wrong, expired, replaced or used."},
	{"two-factor.reset", "Reset/Disable 2 Factor Authentication, by the user or an administrator."},
	{"two-factor.reset_cancelled", "An administrator cancelled an open reset."},
	{"user.activation_sent", "A link to choose a password was mailed to a new user."},
	{"user.added", "A user was added."},
	{"user.changed", "Profile, rights, groups or state of a user were changed; the detail says from what to what."},
	{"user.removed", "A user was erased with all that belonged to him."},
}
