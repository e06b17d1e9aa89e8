package outbox

import (
	"strconv"
	"strings"

	"countersign"
)

// passwordKnown warns that someone entered the correct password and no correct token (NT-03).
func passwordKnown(f facts) page {
	wrong := f.get("Wrong")
	n, _ := strconv.Atoi(wrong) // 0 if there is no count
	p := page{
		Subject: "Somebody may know your " + f.product() + " password",
		Preview: "Right password, " + countersign.Count(n, "wrong token") + ".",
		Title:   "Somebody entered your password and wrong tokens",
		Facts:   []fact{{"User ID", f.get("UserID")}, {"Time", f.when("At")}, {"From", f.client()}, {"Wrong tokens", wrong}},
		Paragraphs: []paragraph{
			{Strong: "They did not get in."},
			{Text: "If it was you, there is nothing to do. If this was not you: change your password now, and " + f.askForHelp() + "."},
		},
	}
	if f.get("Replaced") != "" {
		p.Paragraphs[1].Text = "It was the password that you had then; you have chosen another one since. If this was not you: change the old one wherever else you use it, and " + f.askForHelp() + "."
	}
	switch n {
	case 1:
		p.Title = "Somebody entered your password and a wrong token"
	case 0:
		p.Preview, p.Title = "Right password, no token.", "Somebody entered your password and no right token"
		p.Facts = p.Facts[:3]
	}
	return p
}

// guessing reports that so many wrong tokens or passwords were entered that no more are
// accepted (TH-02, TH-05).
func guessing(f facts) page {
	p := page{Facts: []fact{{"User ID", f.get("UserID")}, {"Time", f.when("At")}}}
	if f.get("Browser") != "" { // otherwise the node that handled the last one died, and its origin is unknown
		p.Facts = append(p.Facts, fact{"The last from", f.client()})
	}
	switch f.get("Why") {
	case "token.stopped":
		p.Subject = "Tokens are stopped for your user ID at " + f.product()
		p.Preview = "30 wrong tokens in 24 hours"
		p.Title = "30 wrong tokens were entered in 24 hours"
		p.Paragraphs = []paragraph{
			{Strong: "Tokens work again on " + f.until("Until") + ".", Text: "Remembered devices and passkeys are not affected."},
			{Text: "Who entered them knows your password. If it was not you: change your password, and " + f.askForHelp() + "."},
		}
	case "token.closed":
		p.Subject = "A method of yours was closed at " + f.product()
		p.Preview = "Too many wrong tokens"
		p.Title = "Too many wrong tokens were entered for your user ID"
		p.Facts = append(p.Facts, fact{"Closed", methodNames(f.get("Methods"))})
		p.Paragraphs = []paragraph{
			{Strong: "This method takes no token until it is set up anew, and your password works no more until you choose a new one by mail."},
			{Text: "Your administrator can reset your two factor authentication; set-up then follows at your next sign-in. Please " + f.askForHelp() + "."},
		}
	default:
		p.Subject = "Sign-in with your user ID was closed at " + f.product()
		p.Preview = "Too many wrong passwords"
		p.Title = "Too many wrong passwords were entered for your user ID"
		where := "on devices that you have not used before; on your own it goes on as always"
		if f.get("Lane") != "password" {
			where = "on the devices that you have used before"
		}
		p.Paragraphs = []paragraph{
			{Strong: "Nobody got in.", Text: "Sign-in with your user ID is closed " + where + "."},
			{Text: "It opens again when you choose a new password: on the sign-in page, press \"Forgot your password?\". If it was not you, " + f.askForHelp() + "."},
		}
	}
	return p
}

// methodNames returns the display names of methods, which are separated by spaces.
func methodNames(methods string) string {
	all := strings.Fields(methods)
	for i, m := range all {
		switch countersign.Method(m) {
		case countersign.MethodApp:
			all[i] = "authenticator app"
		case countersign.MethodSMS:
			all[i] = "SMS"
		case countersign.MethodPasskey:
			all[i] = "passkey"
		case countersign.MethodRecovery:
			all[i] = "recovery codes"
		}
	}
	return strings.Join(all, ", ")
}
