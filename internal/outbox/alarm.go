package outbox

// alarmText holds the title and the text of the alarms about text messages: what was detected
// and what the program did.
var alarmText = map[string][2]string{
	"budget":     {"Most of the day's text messages are spent", "At 100 of 100 no more are sent until midnight UTC. The number is the preference SMSDAILY."},
	"spent":      {"No more text messages are sent today", "The budget of the day is spent. It begins again at midnight UTC. The number is the preference SMSDAILY."},
	"all":        {"No more text messages are sent today", "What the installation may send in a day is spent. It begins again at midnight UTC. The number is the operator's setting --sms-budget."},
	"adjacent":   {"Text messages are stopped: numbers beside each other", "Tokens were asked for ten and more numbers that differ in their last digits only, and none was entered. That is what a pump does, which earns from each message. Text messages go on by themselves an hour after it stops."},
	"conversion": {"Text messages are stopped: few lead to a sign-in", "Of the last hour's text messages fewer than 30 of 100 led to anything. That is what a pump does, which earns from each message. Text messages go on by themselves an hour after it stops."},
}

func textAlarm(f facts) page {
	said := alarmText[f.get("What")]
	return page{
		Subject: said[0] + " (" + f.product() + ")",
		Preview: f.get("Sent") + " were sent today",
		Title:   said[0],
		Facts:   []fact{{"Time", f.when("At")}, {"Sent today", f.get("Sent")}},
		Paragraphs: []paragraph{
			{Text: said[1]},
			{Strong: "Nobody is shut out:", Text: "the token page and the wizard offer email and the authenticator app meanwhile."},
			{Text: "Who asked for what stands under Administration, Messages. Every administrator of " + f.agency.Name + " gets this mail."},
		},
	}
}
