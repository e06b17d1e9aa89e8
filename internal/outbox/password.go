package outbox

// passwordLink sends the link to choose a new password. It works once, by the button on its
// page and never by being opened (PW-06).
func passwordLink(f facts) page {
	return page{
		Preview: "The link works until " + f.until("Until") + ".",
		Paragraphs: []paragraph{
			{Strong: "The link works once, until " + f.until("Until") + "."},
			{Text: "It does not sign you in, and you are asked for a token as always."},
			{Text: "If it was not you, do nothing: your password stays as it is."},
		},
	}
}

// passwordChanged goes to every address of the user once their password was changed, in the
// User Profile or by a mailed link (PW-05, NT-01).
func passwordChanged(f facts) page {
	how := "User Profile"
	if f.get("How") == "link" {
		how = "The link of a mail"
	}
	return page{
		Subject: "Your password for " + f.product() + " was changed",
		Preview: f.client(),
		Title:   "Your password was changed",
		Facts:   []fact{{"User ID", f.get("UserID")}, {"Time", f.when("At")}, {"By", how}, {"From", f.client()}},
		Paragraphs: []paragraph{
			{Text: "Your other sessions were ended and your remembered devices forgotten, so you are asked for a token at your next sign-in."},
			{Strong: "If this was you, there is nothing to do."},
			{Strong: "If this was not you:", Text: "go to the sign-in page, choose \"Forgot your password?\" and take a new one, then " + f.askForHelp() + "."},
		},
	}
}
