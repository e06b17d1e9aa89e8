package web

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"countersign"
)

// sentences holds the text for each code. The first line can be shown alone or in bold; what
// follows says why and what to do next. {Name} is filled in.
var sentences = map[string]string{
	// Sign-in
	"user_id.long":            "That's too long for a user ID. A user ID has up to 64 characters, for example BSMITH.",
	"user_id.empty":           "Enter your user ID, for example BSMITH.",
	"password.required":       "Enter your password.",
	"password.wrong":          "The user ID or the password is not right. Check both and try again.",
	"password.wait":           "Too many attempts. You can try again at {UntilMinute}.\nSeveral sign-ins with this user ID have failed, so it waits. Attempts before then are not looked at and do not make the wait longer. If it was not you, tell the support desk.",
	"password.closed":         "Too many attempts. This user ID is closed here.\nToo many sign-ins with it have failed. It opens again when a new password is chosen by mail. A device that it was used on before may still work. If it was not you, tell the support desk.",
	"password.network":        "Try again at {UntilMinute}.\nMany sign-ins from your network have failed, so new devices there are slowed down. Devices that you have used before are not. Nothing is wrong with your account.",
	"password.crowd":          "Too many attempts. You can try again at {UntilMinute}.\nToo many sign-ins have failed here, so devices that were not used before wait. Nothing is wrong with your account.",
	"password.own_wrong":      "That is not your password. Nothing was changed.",
	"setup.over":              "Set-up is not open here any more\nIt has to be finished within 30 minutes, and only the first window to finish counts. Sign in to go on.",
	"setup.over_own":          "Set-up is not open here any more\nIt has to be finished within 30 minutes, and only the first window to finish counts. What was set up before that is kept.",
	"token.third_failure_own": "Three tokens were wrong, so set-up was closed\nWhat was set up before that is kept. Open set-up again in your User Profile.",
	"step_up.over":            "This took too long\nConfirming has to be finished within 10 minutes. Nothing was changed. Go back and start again.",
	"attempt.expired":         "Please sign in again\nA sign-in has to be finished within 10 minutes after the password. Nothing is wrong with your account.",
	"attempt.elsewhere":       "You signed in elsewhere, so this sign-in ended\nSign in again to use this browser. If the other sign-in wasn't you, change your password and tell your administrator.",
	"attempt.changed":         "Please sign in again\nYour methods, your password or a setting was changed during this sign-in, so it ended. Nothing is wrong with your account.",
	"attempt.crowded":         "Too many sign-ins were open for your user ID, so this one ended\nSign in again. If you didn't start them, someone knows your password: change it and tell your administrator.",
	"session.none":            "Please sign in.",
	"session.idle":            "You were away for {Minutes minute}, so you were signed out\nSign in to go on.",
	"session.idle_page":       "You were away for {Minutes minute}, so you were signed out\nSign in and you return to the page you were on: {Page}.",
	"session.idle_kept":       "You were away for {Minutes minute}, so you were signed out\nSign in and you return to where you were. What you had typed is kept.",
	"session.absolute":        "A session ends after {Hours hour} at the latest\nSign in to go on.",
	"session.absolute_page":   "A session ends after {Hours hour} at the latest\nSign in and you return to the page you were on: {Page}.",
	"session.absolute_kept":   "A session ends after {Hours hour} at the latest\nSign in and you return to where you were. What you had typed is kept.",
	"session.ended":           "This session was ended\nIt was ended from your User Profile or by an administrator at {At}. Sign in to go on.",
	"session.unknown":         "That session is not there any more\nIt may have ended meanwhile. Nothing was changed.",
	"limit.method":            "This can't be asked for\nA page here is opened, or a form of it is sent. Nothing else is answered, and nothing was changed.",
	"limit.address":           "This address is too long\nOpen the page from its menu, or type a shorter address.",
	"limit.slow":              "This form arrived too slowly\nYour connection broke off or is very slow. Nothing was changed. Go back and send it again.",
	"limit.size":              "This is too much at once\nA form here takes 200 fields and 256 KB, and most fields take 8 KB. Nothing was changed. Go back and send less.",
	"limit.form":              "This form can't be read\nA field came twice, something stands in the address that belongs into the form, or it holds characters that are none. Nothing was changed. Go back, open the page again, and send it once.",
	"secret.broken":           "This can't go on\nWhat is kept for your sign-in was changed outside of this program, so it opens nothing. It is noted in the audit log. Ask an administrator for help.",
	"signed-out":              "You are signed out",
	"signed-out.remembered":   "You are signed out\nThis device stays remembered: your password is enough here for now.",
	"signed-out.forgotten":    "You are signed out\nThis device was forgotten: you enter a token at your next sign-in here.",

	// Tokens
	"token.not_six":           "A token has six digits, for example 344078. This did not count as a try.",
	"token.other_way":         "Another way was chosen meanwhile, so this token was not looked at. This did not count as a try.",
	"token.wrong":             "That token is not right. You have {Tries} left.",
	"token.wrong_last":        "That token is not right. You have {Tries} left. After that you need to log in again.",
	"token.wrong_last_own":    "That token is not right. You have {Tries} left. After that set-up is closed; what was set up so far is kept.",
	"token.expired":           "Your token has expired. The token with reference {Reference} worked until {Until}. Your next step is a new one. You have {Tries} left.",
	"token.older":             "That's an older token. Use the newest, reference {Reference}. This wasn't counted as an attempt.",
	"token.late":              "That token has expired. Send a new one. This wasn't counted as an attempt.",
	"token.used":              "That token was used already. Wait for the next one in your app, up to 30 seconds. You have {Tries} left.",
	"token.third_failure_app": "After three failed attempts you need to log in again\nThen enter the token that your app shows. Check that your phone sets its clock automatically.",
	"token.third_failure":     "After three failed attempts you need to log in again\nThe token from that sign-in no longer works. A new one is made when you sign in.",
	"token.wait":              "Too many attempts. You can try again at {UntilMinute}.\nSeveral sign-ins ended with wrong tokens. A token that is entered before then is not looked at and does not make the wait longer.",
	"token.stopped":           "30 wrong tokens in 24 hours\nSomebody, maybe not you, has entered your right password and wrong tokens. Tokens work again {UntilDay}. All your addresses were told.",
	"token.closed":            "Too many wrong tokens in 30 days\nSomebody, maybe not you, has entered your right password and wrong tokens. This way works again when it is set up anew: ask your administrator for a reset. All your addresses were told.",
	"head.token.stopped":      "Tokens are stopped for your user ID",
	"head.token.closed":       "This way is closed for your user ID",
	"token.nothing_to_send":   "Nothing is sent for the app or a passkey.",
	"token.no_tokens":         "Please sign in again\nWhat was sent more than 20 times could not be a token of six digits, so that sign-in was ended. Nothing is wrong with your account.",
	"token.no_tokens_own":     "Set-up was closed\nWhat was sent more than 20 times could not be a token of six digits. What was set up before that is kept. Open set-up again in your User Profile.",
	"token.no_tokens_change":  "This was not confirmed\nWhat was sent more than 20 times could not be a token of six digits. Nothing was changed. Go back and start again.",
	"token.resent":            "A new token was sent.\nThe earlier one, reference {Reference}, no longer works.",
	"token.not_sent":          "No token was sent\nAsk for a new one, or use another way.",
	"app.key_over":            "That token was made with the key of before, which could be used for ten minutes. Scan the new QR Code below. You have {Tries} left.",
	"app.clock":               "That token belongs to another minute. Check that your phone's clock is set automatically, then enter the next token. You have {Tries} left.",
	"step_up.password_wrong":  "That is not your password. You have {Tries} left.",
	"step_up.other":           "Another change is waiting\nLook at what it is; nothing was done and no try was counted.",
	"step_up.too_much":        "This is too much to keep while you confirm that it is you\nNothing was changed. Send less at once.",
	"step_up.needed":          "A token from the last 5 minutes is needed for this.",
	"method.unknown":          "That way is not set up for you. Choose one from the list.",
	"method.needed":           "Email is required for two factor authentication, so it cannot be removed.",
	"default.unknown":         "Choose one of the methods that are set up.",
	"device.unknown":          "That device is not remembered any more\nIt may have been forgotten meanwhile. Nothing was changed.",

	"recovery.form":         "A recovery code has 24 letters and digits, without I, O, 0 and 1. This did not count as a try.",
	"recovery.wrong":        "That code is not right, or was used before. You have {Tries} left.",
	"recovery.no_method":    "No method is set up for you\nRecovery codes stand in for the methods of two factor authentication. Set up one first.",
	"recovery.made_already": "New codes were made a moment ago\nThey were shown once. If you did not keep them, make new ones.",
	// Passkeys
	"passkey.cancelled":     "The passkey was not used. This did not count as a try. Try again, or use another way.",
	"passkey.unused":        "The passkey was not used. Try again, or sign in with your password.",
	"passkey.late":          "The passkey took longer than 5 minutes. This did not count as a try. Try again.",
	"passkey.over":          "That passkey answered a question that is over. This did not count as a try. Try again.",
	"passkey.not_made":      "Your browser made a passkey that we can't use. Make another one, or use another browser or device.",
	"passkey.wrong":         "That passkey does not fit here. It may belong to another site or to another user. You have {Tries} left.",
	"passkey.unknown":       "That passkey is not one of yours here. You have {Tries} left.",
	"passkey.unverified":    "The passkey did not check fingerprint, face or PIN. You have {Tries} left.",
	"passkey.copied":        "That passkey may have been copied, so it was refused, and you were told by mail. Use another way. You have {Tries} left.",
	"passkey.wait":          "Too many attempts. You can try again at {UntilMinute}.\nSeveral sign-ins with this passkey have failed, so it waits. Attempts before then are not looked at and do not make the wait longer. Your user ID and password work as ever.",
	"passkey.refused":       "That passkey does not sign in here. Sign in with your user ID and password.",
	"passkey.not_alone":     "A passkey alone does not sign in here.",
	"passkey.taken":         "That passkey is in use already. Make another one.",
	"passkey.gone":          "That passkey is not there any more\nIt may have been removed meanwhile. Nothing was changed.",
	"passkey.name_required": "Enter a name for the passkey, for example Chrome on Windows.",
	"passkey.name_form":     "A name has up to 50 characters on one line.",

	// Sending
	"send.wait":               "No new token was sent\nA token was sent {Seconds second} ago. You can ask for another one at {UntilSeconds}. The token with reference {Reference} still works.",
	"send.wait_channel":       "No token was sent\nThe last one by this way was sent less than 30 seconds ago. You can ask for another one at {UntilSeconds}.",
	"send.limit_sign_in":      "No more tokens can be sent in this sign-in.\nFive were sent. The last one, reference {Reference}, still works until {Expires}.",
	"send.limit_sign_in.over": "No more tokens can be sent in this sign-in.\nFive were sent, and none of them works any more. Use another way, or start again.",
	"send.limit_hour":         "Ten tokens were sent to you within an hour\nNo more are sent until {Until}. Use another way, or wait.",
	"send.limit_number":       "No more text messages go to this number until {Until}\nUse another way.",

	// Set-up
	"email.required":          "Enter your email address, for example bsmith@acme.example.",
	"email.no_domain":         "The part after @ is missing. Write the whole address, for example bsmith@acme.example.",
	"email.not_address":       "This is not a whole email address. Write it like bsmith@acme.example.",
	"email.quoted":            "An address with quotation marks before @ is not taken here. Enter one without, for example bsmith@acme.example.",
	"email.letters":           "Before @ an address has letters from a to z, digits and signs only, not {Character}. Enter one like bsmith@acme.example.",
	"email.same":              "{Email} is your address already. Nothing was changed.",
	"email.not_free":          "{Email} is in use by another user ID. Two users with one mailbox could read each other's tokens.",
	"phone.same":              "That is your number already. Nothing was changed.",
	"profile.third_failure":   "Three tokens were wrong, so this change was closed\nNothing was changed. Open it again in your User Profile.",
	"email.other_not_allowed": "Only the address in your User Profile is allowed here, {Email}.",
	"phone.required":          "Enter your mobile phone number, 10 digits, area code first.",
	"phone.length":            "That number has {Digits digit}. A mobile number has 10, area code first.",
	"phone.not_digits":        "A phone number has digits only. Enter 10 digits, area code first.",
	"phone.extension":         "Leave out the extension: a token goes to a mobile phone only. Enter 10 digits, area code first.",
	"phone.kind":              "Text messages cannot be sent to that number. Enter a mobile number.",
	"phone.region":            "That number is in another country. It has to be one of {Countries}.",
	"phone.country":           "Text messages to that country are not allowed here. Choose one from the list.",
	"phone.shared":            "That number is used by {Users other user} already. Enter another one.",
	"setup.email_done":        "Two Factor Authentication set up is now complete for the Email method.",
	"setup.app_done":          "Two Factor Authentication set up is now complete for the app method.",
	"setup.sms_done":          "Two Factor Authentication set up is now complete for the SMS method.",
	"setup.passkey_done":      "Two Factor Authentication set up is now complete for the passkey method.",
	"setup.no_email":          "Your profile has no email address\nTwo factor authentication starts with an email address that you can read. Please ask your administrator to add yours.",
	"reset.lapsed":            "Set-up is closed\nSet-up had to be finished by {Until}, so your password alone opens nothing now. Ask your administrator for a new reset.",
	"reset.self":              "Reset yourself in your User Profile\nIt asks for your password and a token there.",
	"reset.self_off":          "Your agency does not let users reset themselves\nAsk an administrator to reset your two factor authentication.",

	"reset.not_open":                "No reset of {Login} is open. Nothing was changed.",
	"enrolment_code.form":           "An enrollment code has 16 letters and digits, without I, O, 0 and 1. This did not count as a try.",
	"enrolment_code.wrong":          "That code is not right. You have {Tries} left.",
	"enrolment_code.wrong_last":     "That code is not right. It was the last try, so your code no longer works. Ask your administrator for a new one.",
	"enrolment_code.none":           "You have no enrollment code that works: none was made, or it was used, or its time or its tries are over. Ask your administrator for one.",
	"enrolment_code.enrolled":       "{Login} is set up, so a code would open nothing. Reset first, then make a code.",
	"enrolment_code.disabled":       "{Login} is disabled, so a code would open nothing. Enable the user first.",
	"enrolment_code.reason_missing": "Write a reason. It is kept in the audit log and told to the user.",

	// Passwords and links
	"password.choose":        "Choose a password.",
	"password.short":         "This password has {Length character}. {Min} are needed. A few words in a row are fine, spaces too.",
	"password.long":          "This password has {Length character}. At most {Max} can be kept.",
	"password.common":        "This password {Why}, which is guessed early. Choose another one.",
	"password.short_guessed": "This password has {Length character}. {Min} are needed. Adding to it is not enough: it hides one of the most used passwords. Take a few words that have nothing to do with each other.",
	"password.breached":      "This password is in a list of stolen passwords. Choose another one.",
	"password_hash.form":     "This is no password hash that can be read. Leave the cell empty, and the user chooses a password by a link.",
	"password_hash.cost":     "This password hash asks for {What}, which is more than is ever computed here. Leave the cell empty, and the user chooses a password by a link.",
	"welcome.first":          "You are the first administrator\nSign in with the user ID and the password that you chose.",
	"welcome.done":           "Your password is saved\nSign in with it.",
	"password.saved":         "Your new password is saved\nSign in with it.",
	"password.replaced":      "Your new password is saved\nSign in with it. You will be asked for a token.",
	"password.not_yours":     "Nobody sets another's password\nThe user gets a link to choose one.",
	"link.not_me_over":       "This link no longer works\nIt was used already, or its 7 days are over. Nothing was changed. If you do not know that sign-in, change your password and ask for help.",
	"link.over":              "This link no longer works\nIt was used already, or its time is over. Nothing was changed. Ask your administrator for a new one.",

	// Administration
	"preference.not_days":          "{Value} is not a whole number of days. Write 0 to 365, for example 7, or leave it empty for 30. Nothing was changed.",
	"preference.not_number":        "{Value} is not a whole number from {Min} to {Max}. Nothing was changed.",
	"preference.not_choice":        "{Value} is not one of the values of this preference. Nothing was changed.",
	"preference.not_text":          "This is too long, or has more than one line. Up to 500 characters on one line can be kept. Nothing was changed.",
	"preference.not_countries":     "{Value} is not a country code. Write two-letter codes with spaces between them, for example US CA. Nothing was changed.",
	"preference.no_mail_route":     "Nobody would get a token: no mail server is set up. Start the server with --smtp-url and --mail-from, send a test mail, then turn it on. Nothing was changed.",
	"preference.mail_unproved":     "Tokens may not arrive: no mail of this agency was accepted in the last 30 days. Send a test mail first, under Messages or with \"countersign message test --to ADDRESS\". Nothing was changed.",
	"preference.unknown":           "There is no preference {Code}.",
	"preference.reason_missing":    "Write a reason. It is kept in the audit log and told to every administrator.",
	"reason.long":                  "A reason has up to 500 characters.",
	"declared.code":                "The preference {Code} needs a code of capital letters, digits and _, up to 32.",
	"declared.taken":               "The code {Code} is one of the built-in preferences. Choose another one.",
	"declared.name":                "The preference {Code} needs a name.",
	"declared.kind":                "The preference {Code} needs a kind: switch, days, number, choice or text.",
	"declared.default":             "The default of the preference {Code} is not one of its values.",
	"banner.two_factor_off":        "Two factor authentication is Off since {When}, by {By}.\nReason given: \"{Reason}\".",
	"banner.two_factor_off_unsaid": "Two factor authentication is Off since {When}, by {By}.\nEverybody signs in with the password alone.",
	"banner.two_factor_never":      "Two factor authentication is Off.\nEverybody signs in with the password alone.",
	"edit.conflict":                "Changed by somebody else in the meantime\nNothing was overwritten. Look at what is there now, then save again.",
	"user_id.required":             "Enter a user ID, for example BSMITH.",
	"user_id.character":            "A user ID can't contain {Character}. Type it with letters A to Z, digits and . _ @ -",
	"user_id.form":                 "A user ID has 1 to 64 letters, digits and the signs . _ @ -, without spaces.",
	"user_id.reserved":             "{Login} is a word of the program's own addresses. Choose another user ID.",
	"user_id.taken":                "There is a user {Login} already.",
	"user.unknown":                 "There is no such user.",
	"user.own_disable":             "You cannot disable yourself\nAsk another administrator to do it.",
	"agency.host_public":           "{Host} is the host of --public-url, where the agency {Code} lives. Give this agency a host of its own.",
	"name.required":                "Enter a name.",
	"name.form":                    "A name has up to 100 characters on one line.",
	"group.form":                   "A group's name has up to 100 characters on one line.",
	"email.activation":             "Enter an email address: the link to choose a password goes there.",
	"email.taken":                  "{Email} is the address of {Login}. Two users with one mailbox could read each other's tokens.",
	"right.unknown":                "There is no right \"{Right}\".",
	"right.grant":                  "You cannot give or take the right \"{Right}\", because you do not hold it.",
	"right.operator":               "The right Operator exists in the agency {Agency} only.",
	"right.missing":                "You may not open this page\nIt needs the right \"{Right}\", which your user ID {Login} does not have. Ask your administrator for it.",
	"reset.rank":                   "{Name} holds a right that you do not hold\nNobody can act on a user who may do more. Ask an administrator who holds all rights.",
	"reset.last_administrator":     "{Login} is the last administrator who holds all these rights\nNobody else could give them back. Give another user all rights first. That user counts once a password is chosen.",
	"reset.reason_missing":         "Write a reason. It is kept in the audit log and told to the user.",
	"invite.no_email":              "{Login} has no email address. Add one first.",
	"activation.done":              "{Login} has chosen a password already.",
	"agency.unknown":               "There is no such agency.",
	"agency.code_taken":            "There is an agency {Code} already.",
	"agency.code_form":             "An agency's code has 1 to 32 capital letters, digits and the signs - _, for example ACME.",
	"agency.host_taken":            "The host {Host} belongs to an agency already.",
	"agency.host_form":             "{Host} is not a host name. Write it without scheme, port and path, for example login.acme.example.",
	"agency.name":                  "Enter the agency's name, for example Acme Insurance.",
	"agency.zone":                  "{Zone} is not a time zone. Write it like America/New_York.",
	"message.unknown":              "There is no such message.",

	// Mail and text messages
	"dkim.unknown":       "There is no key {Selector} for {Domain}.",
	"message.not_again":  "This message can't be sent again\nOnly a letter that was refused can be: what was sent is not kept, and a token is dead.",
	"message.to":         "Enter an email address, or a mobile number.",
	"message.no_texts":   "No text gateway is set up. Enter an email address.",
	"message.tests":      "Ten tests were sent within an hour\nThe next one can be sent at {Until}.",
	"act.message_test":   "send a test",
	"act.wording":        "save the words of a message",
	"act.names":          "save the product name and the sender of mail",
	"act.message_resend": "send a letter again",
	"send.limit_network": "Many text messages were asked for from your network\nNo more are sent from there until {Until}. Use another way.",
	"send.limit_texts":   "No more text messages are sent today\nThe limit of a day is reached; they go on at {Until}. Use another way.",
	"send.stopped":       "Text messages are stopped\nToo many of them led to no sign-in. Use another way.",
	"send.country":       "Text messages to the country of your number are not allowed\nUse another way, or ask your administrator.",

	// Messages without a mail server or text gateway
	"message.no_mail_server":      "No mail server is set up, so this test waits. Set --smtp-url and --mail-from, then start the server again.",
	"message.no_mail_server.over": "No mail server is set up, so this test was not sent. Set --smtp-url and --mail-from, start the server again, then send another test.",
	"message.no_gateway":          "No text gateway is set up, so this test waits. Set --sms-url, then start the server again.",
	"message.no_gateway.over":     "No text gateway is set up, so this test was not sent. Set --sms-url, start the server again, then send another test.",

	// Wording of messages
	"template.parse":         "Line {Line}, column {Column}: the name \"{Name}\" is not known. Did you mean {Meant}? Nothing was saved.",
	"template.unknown":       "Line {Line}, column {Column}: the name \"{Name}\" is not known here. You can use {Names}. Nothing was saved.",
	"template.open":          "Line {Line}, column {Column}: this brace is not closed. A name stands in braces, like {product}; a brace that is meant is written twice, {{. Nothing was saved.",
	"template.close":         "Line {Line}, column {Column}: this brace closes nothing. A brace that is meant is written twice, }}. Nothing was saved.",
	"template.empty":         "Line {Line}, column {Column}: no name stands in these braces. Write one, like {product}. Nothing was saved.",
	"template.control":       "Line {Line}, column {Column}: a character stands here that cannot be shown. Delete it. Nothing was saved.",
	"template.no_subject":    "Enter a subject.",
	"template.no_body":       "Enter a text. \"Back to the original text\" brings the original one back.",
	"template.lines":         "A subject has one line.",
	"template.long":          "This has {Length} characters. At most {Most} can be kept. Nothing was saved.",
	"template.secret":        "{Name} never stands in the subject, which is shown on locked screens. Write it in the text. Nothing was saved.",
	"template.glued":         "Line {Line}, column {Column}: {Name} stands within a word that may be taken for an address, and would be sent there. Put a space before and after it. Nothing was saved.",
	"template.needs":         "The text must hold {Name}: the message is sent for it. Nothing was saved.",
	"template.parts":         "This makes {Parts} text messages. With its last line it has {Length} characters, and {Most} fit into one. Nothing was saved.",
	"template.parts_letters": "This makes {Parts} text messages: with {Letters} in it only {Most} characters fit into one, and it has {Length} with its last line. Nothing was saved.",
	"wording.unknown":        "There is no such message.",
	"wording.unchanged":      "Nothing was changed: this is what stood there already.",
	"sender.form":            "This is not a sender. Write it like Agency Support <support@acme.example>. Nothing was saved.",
	"sender.lines":           "A sender has one line, like Agency Support <support@acme.example>. Nothing was saved.",
	"sender.taken":           "{Domain} belongs to another agency of this installation. Use an address of your own domain. Nothing was saved.",

	// Everything else
	"import.problems":       "The file has {Problems problem}. Nothing was changed.",
	"import.text":           "The file is not text that we can read. Save it as CSV UTF-8, or name its encoding: {Encodings}.",
	"import.form":           "This line can't be read as CSV.",
	"import.quote":          "A quotation mark opens a cell here and doesn't close it. Close it, or write it twice inside of a cell.",
	"import.bare_quote":     "A quotation mark is in the middle of a cell. Put the whole cell in quotation marks and write the inner ones twice.",
	"import.cell_error":     "The cell holds the error {Cell} of a spreadsheet. Correct the formula and save the file again.",
	"import.cell_shortened": "A spreadsheet has shortened this number to {Cell}. Format the column as text, enter the number again and save the file.",
	"import.empty":          "The file has no users: the first line names the columns, each other one is a user.",
	"import.many":           "The file has {Lines user}. At most {Most} can be added at once: split it.",
	"import.cells":          "This line has {Cells cell}; the first line names {Columns column}.",
	"import.column_unknown": "There is no column \"{Column}\". The columns are {Columns}.",
	"import.column_twice":   "The column \"{Column}\" is named twice.",
	"import.column_missing": "A column \"{Column}\" is needed.",
	"import.twice":          "The same stands in line {Line}.",
	"remove.reason_missing": "Write a reason. It is kept in the audit log.",
	"form.stale":            "Please send this again\nThe page you sent was open for a long time or came from somewhere else, so nothing was changed.",
	"cookies.off":           "Your browser sent no cookies\nYou need them to sign in. Allow cookies for this site in your browser's settings, then try again.",
	"form.stale_sign_in":    "Please type your password again\nThis page was open for a long time, or you signed in from another window meanwhile. Nothing was looked at.",
	"page.not_found":        "This page does not exist\nThe address may be mistyped or old. Nothing is wrong with your account.",
	"internal":              "Something went wrong\nIt was not your doing. Nothing was changed, and you were not signed in. Try again in a minute.",
	"late":                  "This took too long\nThe database did not answer in time, so the work was stopped. Look whether it was done before you try again.",
	"busy":                  "Sign-in is busy\nYour sign-in could not be looked at just now. It did not count as a try. Try again in a few seconds.",
	"host.port":             "The port of this address is not ours\nIf a proxy stands before Countersign, it has to pass the Host header on with its port. In nginx: proxy_set_header Host $http_host; not $host.",
	"host.unknown":          "No agency lives at this address\nCheck the address, or ask the person who gave it to you.",

	// Requests that wait for a step-up
	"act.password":        "change your password",
	"act.setup":           "change your two factor authentication methods",
	"act.reset":           "reset your two factor authentication",
	"act.email":           "change your email address",
	"act.phone":           "change your mobile phone",
	"act.default":         "change your Default",
	"act.passkey_rename":  "rename a passkey",
	"act.passkey_remove":  "remove a passkey",
	"act.remove":          "remove a method",
	"act.forget":          "forget remembered devices",
	"act.sessions":        "end other sessions of yours",
	"act.preference":      "save new Preferences",
	"act.user_new":        "add a user",
	"act.user_edit":       "change the user {Login}",
	"act.user_disable":    "disable the user {Login}",
	"act.user_enable":     "enable the user {Login}",
	"act.user_activation": "send {Login} a link to choose a password",
	"act.user_reset":      "reset the two factor authentication of {Login}",
	"act.user_cancel":     "cancel the reset of {Login}",
	"act.user_invite":     "invite {Login} to set up two factor authentication",
	"act.user_forget":     "forget remembered devices of {Login}",
	"act.user_session":    "end a session of {Login}",
	"act.user_sessions":   "end the sessions of {Login}",
	"act.recovery":        "make recovery codes",
}

// Text returns the text of an error in one line, for commands. It returns an internal error as it
// is.
func Text(err error) string {
	all := countersign.Problems(err)
	if len(all) == 0 {
		var e *countersign.Error
		if errors.As(err, &e) {
			all = []*countersign.Error{e}
		}
	}
	if len(all) == 0 {
		return err.Error()
	}
	var lines []string
	for _, e := range all {
		text := sentence(countersign.Agency{}, time.Now(), e)
		head, rest, more := strings.Cut(text, "\n")
		if more {
			text = strings.TrimSuffix(head, ".") + ". " + rest
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, " ")
}

// sentence returns the text of an error, filled in for an agency at a time.
func sentence(a countersign.Agency, now time.Time, e *countersign.Error) string {
	text, ok := sentences[e.Code]
	if last, timed := e.Args["Expires"].(time.Time); timed && !now.Before(last) && sentences[e.Code+".over"] != "" {
		text = sentences[e.Code+".over"]
	}
	if !ok {
		text = sentences["internal"]
	}
	return fill(a, now, text, e.Args)
}

// fill puts args into a text. Left becomes "2 tries" or "1 try"; a placeholder with a noun counts
// it; a time is shown in the agency's zone, with seconds if its name says Seconds.
func fill(a countersign.Agency, now time.Time, text string, args countersign.Args) string {
	var pairs []string
	for name, value := range args {
		switch v := value.(type) {
		case time.Time:
			pairs = append(pairs, "{"+name+"}", a.Until(now, v), "{"+name+"Seconds}", a.Seconds(v),
				"{"+name+"Minute}", a.Until(now, v.Add(time.Minute-time.Millisecond)), "{"+name+"Day}", a.OnDay(now, v))
		default:
			pairs = append(pairs, "{"+name+"}", fmt.Sprint(v))
		}
		if left, ok := value.(int); ok && name == "Left" {
			pairs = append(pairs, "{Tries}", tries(left))
		}
	}
	return strings.NewReplacer(pairs...).Replace(counted.ReplaceAllStringFunc(text, func(place string) string {
		name, noun, _ := strings.Cut(strings.Trim(place, "{}"), " ")
		n, ok := args[name].(int)
		if !ok {
			return place
		}
		return countersign.Count(n, noun)
	}))
}

// counted matches a placeholder for a number and its noun: {Users other user}.
var counted = regexp.MustCompile(`\{[A-Z][A-Za-z]* [a-z ]+\}`)

func tries(left int) string { return countersign.Count(left, "try") }
