package outbox

// Mail about recovery codes (RC-01).

func recoveryUsed(f facts) page {
	p := page{
		Subject: "A recovery code was used for " + f.product(),
		Preview: f.get("Left") + " of " + f.get("All") + " are left",
		Title:   "A recovery code was used",
		Facts: []fact{{"User ID", f.get("UserID")}, {"Time", f.when("At")}, {"Left", f.get("Left") + " of " + f.get("All")},
			{"From", f.client()}},
		Paragraphs: []paragraph{{Text: "That code no longer works. The device is not remembered."}},
	}
	if f.get("Left") == "0" {
		p.Paragraphs = append(p.Paragraphs, paragraph{Text: "It was the last one. Make new ones in your User Profile, then Recovery codes."})
	}
	p.Paragraphs = append(p.Paragraphs, notYou(f))
	return p
}

func recoveryMade(f facts) page {
	return page{
		Subject: "Recovery codes were made for " + f.product(),
		Preview: "Earlier ones no longer work",
		Title:   "New recovery codes were made",
		Facts:   []fact{{"User ID", f.get("UserID")}, {"Time", f.when("At")}, {"Codes", f.get("All")}, {"From", f.client()}},
		Paragraphs: []paragraph{
			{Text: "They were shown once. Earlier recovery codes no longer work."},
			{Strong: "If this was you, there is nothing to do."},
			notYou(f),
		},
	}
}
